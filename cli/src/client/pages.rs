//! Lists that may be longer than anybody wants to read.

use std::io;

use baton_client::Error;
use futures::{Stream, StreamExt};

use super::exit::{Exit, Failure};
use super::options::{Format, Session};
use super::show::Screen;

/// The most that one page holds.
const PAGE: usize = 1_000;

/// How many the pages hold that are asked for where so many are shown; a limit of 0 is none.
pub(super) fn page_size(limit: usize) -> i32 {
    // One more than is shown tells whether there are more.
    let page = if limit == 0 {
        PAGE
    } else {
        limit.saturating_add(1).min(PAGE)
    };
    i32::try_from(page).unwrap_or(i32::MAX)
}

/// Shows so many, and says whether there are more: rows at the end, because a table is as wide as its widest; objects as
/// they come.
pub(super) async fn show<T>(
    session: &Session,
    limit: usize,
    members: impl Stream<Item = Result<T, Error>>,
    print: impl Fn(&Screen, &[T]) -> io::Result<()>,
) -> Result<Exit, Failure> {
    let screen = &session.screen;
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut members = std::pin::pin!(members.take(limit.saturating_add(1)).enumerate());
    let mut rows = Vec::new();
    let mut more = false;
    while let Some((index, member)) = members.next().await {
        let member = member?;
        if index == limit {
            more = true;
        } else if screen.format() == Format::Json {
            print(screen, std::slice::from_ref(&member))?;
        } else {
            rows.push(member);
        }
    }
    if screen.format() == Format::Table {
        print(screen, &rows)?;
    }
    if more {
        screen.note(&format!("the first {limit} are shown; --limit shows more"));
    }
    Ok(Exit::Done)
}
