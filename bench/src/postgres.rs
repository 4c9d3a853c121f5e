//! The PostgreSQL under test: one that is there, or one of this run's own.

use std::path::Path;

use anyhow::{Context as _, bail};
use baton_test_postgres::{Cluster, HOW_TO_GET, Installation};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

/// It makes a database for everybody who is measured on it; they go with [`Postgres::close`].
pub(crate) struct Postgres {
    /// Of the database from which others are made.
    url: Url,
    databases: Vec<String>,
    /// Ends with this.
    _cluster: Option<Cluster>,
}

impl Postgres {
    /// Takes the one at `url`, else starts one with its default settings, whose files are in `folder`.
    ///
    /// Errors: the URL is none, or nothing is installed that could be started.
    pub(crate) async fn open(url: Option<&str>, folder: &Path) -> anyhow::Result<Self> {
        let cluster = match url {
            Some(_) => None,
            None => Some(cluster(folder).await?),
        };
        let own = cluster.as_ref().map(Cluster::url);
        let url = url.or(own.as_deref()).context("there is one or the other")?;
        Ok(Postgres {
            url: Url::parse(url).with_context(|| format!("not a URL: {url}"))?,
            databases: Vec::new(),
            _cluster: cluster,
        })
    }

    /// Makes a database with these settings, each a name and a value. Answers its URL.
    ///
    /// Errors: it does not answer, or the account may not.
    pub(crate) async fn new_database(&mut self, settings: &[(&str, &str)]) -> anyhow::Result<String> {
        let name = format!("baton_bench_{}_{}", std::process::id(), self.databases.len());
        self.run(&format!("CREATE DATABASE {name}")).await?;
        for (setting, value) in settings {
            self.run(&format!("ALTER DATABASE {name} SET {setting} = '{value}'"))
                .await?;
        }
        let mut url = self.url.clone();
        url.set_path(&name);
        self.databases.push(name);
        Ok(url.into())
    }

    /// What it says of itself, and the settings that decide what a commit costs.
    ///
    /// Errors: it does not answer.
    pub(crate) async fn describe(&self) -> anyhow::Result<String> {
        let text = "SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync') \
            || ', synchronous_commit ' || current_setting('synchronous_commit') \
            || ', shared_buffers ' || current_setting('shared_buffers')";
        let mut connection = self.connect().await?;
        Ok(sqlx::query_scalar(text).fetch_one(&mut connection).await?)
    }

    /// Takes the databases of this run away.
    ///
    /// Errors: it does not answer.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        for name in &self.databases {
            self.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }

    async fn run(&self, text: &str) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    async fn connect(&self) -> anyhow::Result<PgConnection> {
        // The text of an error may not tell the password.
        let place = self.url.host_str().unwrap_or_default();
        PgConnection::connect(self.url.as_str())
            .await
            .with_context(|| format!("no PostgreSQL at {place}"))
    }
}

/// Starts a PostgreSQL with its default settings and its files in `folder`.
///
/// Errors: none is installed, or it does not start.
pub(crate) async fn cluster(folder: &Path) -> anyhow::Result<Cluster> {
    let Some(installation) = Installation::find() else {
        bail!("there is no PostgreSQL; to get one: {HOW_TO_GET}");
    };
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Cluster::start_in(&folder, &installation, &[])).await?
}
