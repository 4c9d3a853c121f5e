//! The client against a scripted server: what it sends, what it repeats, how it reads what comes back.

mod calls;
mod coverage;
mod goaway;
mod repeats;
mod scripted;
mod waits;
mod watches;
mod workers;
