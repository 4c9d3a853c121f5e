//! The texts of statements by their parts. A text that is told again is found prepared on the connection.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::store::plan::Part;

/// Texts that are remembered. Far more than the kinds of them there are.
const TEXTS: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<Vec<Part>, SqlStr>);

impl Texts {
    /// The text of `parts`, which `write` writes once.
    pub(super) fn of(&mut self, parts: &[Part], write: impl FnOnce(&[Part]) -> String) -> SqlStr {
        if let Some(text) = self.0.get(parts) {
            return text.clone();
        }
        if self.0.len() >= TEXTS {
            self.0.clear();
        }
        let text = AssertSqlSafe(write(parts)).into_sql_str();
        self.0.insert(parts.to_vec(), text.clone());
        text
    }
}
