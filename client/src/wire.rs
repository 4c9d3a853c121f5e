//! How a call that has one answer goes over the wire: as bytes.
//!
//! tonic's futures are generic over the messages and hold them, each layer anew. With bytes in their place they are
//! small, and the same for every RPC.

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// A request as it is sent, however often that is.
pub(crate) struct Encoded {
    pub(crate) message: Bytes,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Its answer may be made to wait: it goes where the streams go.
    pub(crate) waits: bool,
    /// Carrying it out twice is the same as once.
    pub(crate) repeatable: bool,
}

/// Sends a message and awaits the one that answers it, as a generated client does, but for the codec and the extension
/// that names the method to interceptors: there are none.
pub(crate) async fn unary(
    channel: Channel,
    request: Request<Bytes>,
    path: &'static str,
) -> Result<Response<Bytes>, Status> {
    let mut grpc = Grpc::new(channel);
    let ready = grpc.ready().await;
    ready.map_err(|error| Status::unknown(format!("Service was not ready: {error}")))?;
    let codec = BytesCodec {
        frame: HEADER + request.get_ref().len(),
    };
    grpc.unary(request, PathAndQuery::from_static(path), codec).await
}

/// What stands before each message: a flag, and how long the message is.
const HEADER: usize = 5;

/// A message is read into a buffer that tonic wants to be twice as long as the message, else it is moved to one that
/// is. This much does for a task with small payloads, which keep the buffer as long as they are kept.
const ANSWER: usize = 2 * 1_024;

/// Passes messages through that are encoded already, or are decoded later.
#[derive(Clone, Copy, Debug)]
struct BytesCodec {
    /// How long the request is with its header.
    frame: usize,
}

impl BytesCodec {
    fn buffers(size: usize) -> BufferSettings {
        // There is one message: it leaves when it is there.
        BufferSettings::new(size, 0)
    }
}

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        Self::buffers(self.frame)
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        // Not a copy: the buffer is split.
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        Self::buffers(ANSWER)
    }
}
