//! The gRPC contract of Baton: messages, service stubs and descriptors, generated from `baton/v1/*.proto`.
//!
//! The comments in those files are the manual. This crate holds no logic and no conversions.

/// The messages and the clients of package `baton.v1`. A client is made from any channel: `XClient::new(channel)`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/v1/baton.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/v1/shown.rs"));
}

/// How the server encodes.
#[cfg(feature = "server")]
pub mod codec;

/// The server's own view of the contract.
#[cfg(feature = "server")]
pub mod raw {
    /// The messages of package `baton.v1` with every `google.protobuf.Value` and `google.protobuf.Struct` field, and
    /// every event of a watch, as its encoded bytes, and the traits that a server implements. The wire format is that of [`crate::v1`].
    #[expect(
        clippy::too_many_lines,
        reason = "tonic writes one routing function a service"
    )]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/raw/baton.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/raw/shown.rs"));
    }
}

/// The encoded `google.protobuf.FileDescriptorSet` of the contract and all it imports, with comments: what
/// reflection serves. It describes the true messages, whatever view a server uses.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
