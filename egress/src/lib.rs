//! HTTP requests to addresses that somebody else chose: webhooks and notifications.
//!
//! A URL may name, or resolve to, a place that only this machine can reach: a database, the metadata of a cloud, an
//! administrator's page. So a [`Sender`] connects by itself, to addresses it has judged one by one: what was judged is
//! what is connected to, and a name that resolves to something else the second time finds nothing. Redirects are not
//! followed, proxies named by the environment are not used, and every exchange ends within ten seconds.
//!
//! What is sent can be signed, by [Standard Webhooks](https://www.standardwebhooks.com): see [`Message`].

mod error;
mod policy;
mod sender;
mod signature;
mod tls;

pub use error::{Refusal, Reply, SendError, SetupError};
pub use policy::EgressPolicy;
pub use sender::{Lookup, REPLY_MAX_BYTES, Sender, TIMEOUT};
pub use signature::{BadId, BadSecret, ID, Message, NotGenuine, SIGNATURE, Secret, TIMESTAMP, verify};
