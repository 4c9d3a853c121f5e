//! What archives are refused for.

use baton_proto::v1::admin_service_client::AdminServiceClient;
use baton_proto::v1::{
    ArchiveCounts, ArchiveEnd, ArchiveHeader, ArchiveRecord, ImportNamespaceRequest, archive_record,
};
use baton_tests::harness::TestServer;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::Provoked;

pub(super) async fn provoke(server: &TestServer, provoked: &mut Provoked) {
    let header = |format| ArchiveHeader {
        format,
        namespace: "archived".to_owned(),
        ..ArchiveHeader::default()
    };
    let record = |record| ArchiveRecord { record: Some(record) }.encode_length_delimited_to_vec();
    let newer = record(archive_record::Record::Header(header(2)));
    let mut empty = record(archive_record::Record::Header(header(1)));
    let end = ArchiveEnd {
        counts: Some(ArchiveCounts::default()),
        sha256: Sha256::digest(&empty).to_vec().into(),
    };
    empty.extend(record(archive_record::Record::End(end)));
    for (namespace, data) in [("", vec![0]), ("", newer), ("default", empty)] {
        let message = ImportNamespaceRequest {
            namespace: namespace.to_owned(),
            data: data.into(),
        };
        let mut admin = AdminServiceClient::new(server.channel());
        let answer = admin.import_namespace(futures::stream::iter([message])).await;
        provoked.add(&answer.unwrap_err());
    }
}
