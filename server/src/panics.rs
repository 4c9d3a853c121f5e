//! Panics: logged once, where they are caught or, if nobody catches them, where they happen.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panic {
    /// What `panic!` said; never shown to callers.
    pub(crate) message: String,
    /// `file:line:column`; known only after [`log_panics`].
    pub(crate) location: Option<String>,
}

/// Replaces the process's panic hook: one line of the log in place of text that no log reader parses.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let location = info.location().map(ToString::to_string);
        if CATCHING.get() {
            LOCATION.set(location);
        } else {
            tracing::error!(
                panic.message = message(info.payload()),
                panic.location = location,
                "panicked"
            );
        }
    }));
}

/// Runs `f` and catches its panic. Whoever catches it logs it: the hook stays silent.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    result.map_err(|payload| Panic {
        message: message(payload.as_ref()),
        location: LOCATION.take(),
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without text").to_owned()
}
