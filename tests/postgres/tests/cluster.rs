//! A cluster lives as long as its owner.

use std::net::{SocketAddr, TcpStream};

use baton_test_postgres::{Cluster, FAST, Installation};

fn address(cluster: &Cluster) -> SocketAddr {
    let url = cluster.url();
    let address = url
        .split(['@', '/'])
        .nth(3)
        .expect("postgres://user@address/database");
    address.parse().expect("an address")
}

#[test]
fn two_clusters_stand_side_by_side_and_each_goes_with_its_owner() -> anyhow::Result<()> {
    let Some(installation) = Installation::find_or_skip("the tests of clusters")? else {
        return Ok(());
    };
    let first = Cluster::start(&installation, FAST)?;
    let second = Cluster::start(&installation, FAST)?;
    let (gone, stands) = (address(&first), address(&second));
    assert_ne!(gone, stands);
    let folder = first.folder().to_path_buf();
    drop(first);
    assert!(TcpStream::connect(gone).is_err(), "it answers still");
    assert!(!folder.exists(), "{} is left behind", folder.display());
    assert!(TcpStream::connect(stands).is_ok(), "the other one went with it");
    Ok(())
}

#[test]
fn why_it_does_not_start_is_told() -> anyhow::Result<()> {
    let Some(installation) = Installation::find_or_skip("the tests of clusters")? else {
        return Ok(());
    };
    let refused = Cluster::start(&installation, &["no_such_setting=1"]).unwrap_err();
    assert!(format!("{refused:#}").contains("no_such_setting"), "{refused:#}");
    Ok(())
}
