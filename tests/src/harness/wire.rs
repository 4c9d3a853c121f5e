//! Calls as anybody could make them: JSON as grpcurl writes it, or bare bytes.

use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

/// The contract.
pub static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(baton_proto::DESCRIPTOR_SET).expect("the contract's descriptors are whole")
});

/// Every method of the contract.
pub fn methods() -> Vec<MethodDescriptor> {
    let services: Vec<_> = CONTRACT.services().collect();
    services.iter().flat_map(|service| service.methods()).collect()
}

/// The method of that name.
pub fn method(name: &str) -> MethodDescriptor {
    let found = methods().into_iter().find(|method| method.name() == name);
    found.unwrap_or_else(|| panic!("the contract has no method {name}"))
}

/// The bytes of a request; one that is no JSON of the method's message panics, for it is the test's.
pub fn encode(method: &MethodDescriptor, request: &Value) -> Bytes {
    let message = DynamicMessage::deserialize(method.input(), request);
    let message = message.unwrap_or_else(|error| {
        let (method, input) = (method.name(), method.input());
        panic!("{method}: the request is no {}: {error}", input.name())
    });
    message.encode_to_vec().into()
}

/// Makes a unary call in JSON. `metadata` of the answer is not looked at.
///
/// Errors: the status.
pub async fn call_json(channel: Channel, name: &str, request: &Value) -> Result<Value, Status> {
    Ok(call_json_whole(channel, name, request).await?.into_inner())
}

/// As [`call_json`], with the metadata of the answer.
///
/// Errors: as there.
pub async fn call_json_whole(
    channel: Channel,
    name: &str,
    request: &Value,
) -> Result<Response<Value>, Status> {
    let method = method(name);
    let answer = unary(channel, &method, encode(&method, request)).await?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(false);
    Ok(answer.map(|answer| {
        DynamicMessage::decode(method.output(), answer)
            .expect("an answer is of its type")
            .serialize_with_options(serde_json::value::Serializer, &options)
            .expect("an answer can be written as JSON")
    }))
}

/// Sends bytes to a method; answers the first message of a stream, or the one answer.
///
/// Errors: the status.
pub async fn call_bytes(
    channel: Channel,
    method: &MethodDescriptor,
    bytes: Bytes,
) -> Result<Vec<Bytes>, Status> {
    if method.is_server_streaming() {
        let (mut grpc, path) = (ready(channel).await?, path(method));
        let mut stream = grpc
            .server_streaming(Request::new(bytes), path, Bare)
            .await?
            .into_inner();
        return Ok(stream.message().await?.into_iter().collect());
    }
    Ok(vec![unary(channel, method, bytes).await?.into_inner()])
}

async fn unary(channel: Channel, method: &MethodDescriptor, bytes: Bytes) -> Result<Response<Bytes>, Status> {
    let mut grpc = ready(channel).await?;
    grpc.unary(Request::new(bytes), path(method), Bare).await
}

async fn ready(channel: Channel) -> Result<Grpc<Channel>, Status> {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(64 << 20);
    grpc.ready()
        .await
        .map_err(|error| Status::new(Code::Unavailable, error.to_string()))?;
    Ok(grpc)
}

fn path(method: &MethodDescriptor) -> PathAndQuery {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    path.parse().expect("names of the contract are paths")
}

/// A codec of bytes as they are.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl Codec for Bare {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Bare;
    type Decoder = Bare;

    fn encoder(&mut self) -> Self::Encoder {
        Bare
    }

    fn decoder(&mut self) -> Self::Decoder {
        Bare
    }
}

impl Encoder for Bare {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put(into, item);
        Ok(())
    }
}

impl Decoder for Bare {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = bytes::Buf::remaining(from);
        Ok(Some(bytes::Buf::copy_to_bytes(from, length)))
    }
}
