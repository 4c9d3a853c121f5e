//! What others expect of a gRPC port: health, reflection, browsers, people with a browser.

use base64::Engine;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tonic::Code;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::Service;

use super::client::connect_http1;
use super::{TestServer, within};

#[tokio::test]
async fn health_knows_the_server_and_each_service() {
    let server = TestServer::start(Default::default()).await;
    let mut health = HealthClient::new(server.client().await.wire);
    for service in ["", "baton.test.Probe"] {
        let answer = health
            .check(HealthCheckRequest {
                service: service.to_owned(),
            })
            .await
            .unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = HealthCheckRequest {
        service: "no.such.Service".to_owned(),
    };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

/// Asks reflection of one version for its services and for the file of a symbol.
macro_rules! reflect {
    ($version:ident, $server:expr) => {{
        use tonic_reflection::pb::$version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let ask = |question| ServerReflectionRequest {
            message_request: Some(question),
            ..Default::default()
        };
        let questions = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()),
            MessageRequest::FileContainingSymbol("baton.test.Probe".to_owned()),
        ];
        let mut client = ServerReflectionClient::new($server.client().await.wire);
        let asked = tokio_stream::iter(questions.map(ask));
        let mut answers = client.server_reflection_info(asked).await.unwrap().into_inner();
        let Some(MessageResponse::ListServicesResponse(list)) =
            within(answers.message()).await.unwrap().unwrap().message_response
        else {
            panic!("no list")
        };
        for _ in 0..2 {
            let answer = within(answers.message()).await.unwrap().unwrap().message_response;
            assert!(
                matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))),
                "{answer:?}"
            );
        }
        list.service
            .into_iter()
            .map(|service| service.name)
            .collect::<Vec<_>>()
    }};
}

#[tokio::test]
async fn reflection_speaks_both_versions_and_lists_them() {
    let server = TestServer::start(Default::default()).await;
    for mut services in [reflect!(v1, server), reflect!(v1alpha, server)] {
        services.sort();
        let expected = [
            "baton.test.Probe",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ];
        assert_eq!(services, expected);
    }
}

/// A call as a browser makes it.
fn web_call(method: &str, content_type: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(format!("/baton.test.Probe/{method}"))
        .header("host", "probe")
        .header("content-type", content_type)
        .header("accept", content_type)
        .header("x-grpc-web", "1")
        .body(Body::new(Full::new(body.into())))
        .unwrap()
}

async fn text_of(response: Response<Incoming>) -> String {
    let bytes = within(response.into_body().collect()).await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A framed StringValue of "hi".
const HI: &[u8] = b"\0\0\0\0\x04\x0a\x02hi";

#[tokio::test]
async fn browsers_call_through_grpc_web() {
    let server = TestServer::start(Default::default()).await;
    let mut send = connect_http1(server.address).await;
    let response = send
        .send_request(web_call("Echo", "application/grpc-web+proto", HI))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/grpc-web+proto".parse().unwrap())
    );
    let body = text_of(response).await;
    assert!(
        body.starts_with("\0\0\0\0\x04\x0a\x02hi") && body.contains("grpc-status:0"),
        "{body:?}"
    );

    let encoded = base64::engine::general_purpose::STANDARD.encode(HI);
    let call = web_call("Echo", "application/grpc-web-text", encoded);
    let body = text_of(send.send_request(call).await.unwrap()).await;
    assert!(body.starts_with("AAAAAAQKAmhp"), "{body:?}");
}

#[tokio::test]
async fn browsers_see_refusals_with_their_details() {
    let server = TestServer::start(Default::default()).await;
    let mut send = connect_http1(server.address).await;
    let response = send
        .send_request(web_call("Panic", "application/grpc-web+proto", HI))
        .await
        .unwrap();
    assert_eq!(response.headers()["grpc-status"], "13");
    assert!(response.headers().contains_key("grpc-status-details-bin"));
    let call = web_call("Echo", "application/grpc-web+proto", &b"garbage"[..]);
    let response = send.send_request(call).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "3");
    assert!(response.headers().contains_key("grpc-status-details-bin"));
}

#[tokio::test]
async fn browsers_watch_through_grpc_web() {
    let server = TestServer::start(Default::default()).await;
    let mut send = connect_http1(server.address).await;
    let call = web_call("Feed", "application/grpc-web+proto", HI);
    let mut body = send.send_request(call).await.unwrap().into_body();
    let first = within(body.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert!(first.ends_with(b"first"), "{first:?}");
    server.stop.cancel();
    let rest = String::from_utf8_lossy(&within(body.collect()).await.unwrap().to_bytes()).into_owned();
    assert!(
        rest.contains("last") && rest.contains("grpc-status:14"),
        "{rest:?}"
    );
    within(server.running).await.unwrap().unwrap();
}

#[tokio::test]
async fn people_with_a_browser_are_told_what_this_is() {
    let server = TestServer::start(Default::default()).await;
    let get = |path: &str| {
        Request::get(format!("http://probe{path}"))
            .header("host", "probe")
            .body(Body::empty())
            .unwrap()
    };
    let mut http1 = connect_http1(server.address).await;
    let page = http1.send_request(get("/")).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(text_of(page).await.contains("grpcurl"));
    assert_eq!(
        http1.send_request(get("/favicon.ico")).await.unwrap().status(),
        404
    );
    let mut http2 = server.client().await.wire;
    assert_eq!(http2.call(get("/")).await.unwrap().status(), 200);
    let post = Request::post("http://probe/baton.test.Probe/Echo")
        .body(Body::empty())
        .unwrap();
    assert_eq!(http2.call(post).await.unwrap().status(), 415);
}
