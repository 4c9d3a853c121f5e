//! Other processes on the same database: waking them, being woken, and choosing one that does what needs to be done once.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

use super::dialect::postgres::{ANSWER_TIMEOUT, WORD_TIMEOUT, answered};
use super::dialect::{Dialect, postgres};
use super::{Store, StoreError};

/// Speaks to the other processes over a connection of its own. One of all heralds leads: the first that asks, until its
/// session ends. A process that freezes says nothing, and its session is ended for it.
#[derive(Debug)]
pub struct Herald {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    name: String,
    leads: bool,
}

/// Hears when another process has written.
pub struct Listener {
    listener: PgListener,
    name: String,
}

impl Store {
    /// A herald and a listener, of one process; `None` where nobody else uses this database. `name`: tells this process from
    /// the others.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn replicas(&self, name: Uuid) -> Result<Option<(Herald, Listener)>, StoreError> {
        let Some(options) = &self.inner.replicas else {
            return Ok(None);
        };
        let name = name.simple().to_string();
        let herald = Herald {
            options: postgres::leader_options(options),
            connection: None,
            name: name.clone(),
            leads: false,
        };
        let listening = async {
            let pool = sqlx::pool::PoolOptions::new()
                .max_connections(1)
                .connect_with(options.clone())
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(postgres::CHANNEL).await?;
            Ok(listener)
        };
        let listener = answered(ANSWER_TIMEOUT, listening).await?;
        Ok(Some((herald, Listener { listener, name })))
    }

    /// Whether another process leads at this moment. False where this one has the database to itself.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn is_led(&self) -> Result<bool, StoreError> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(false);
        }
        let rows = self.asked(&postgres::is_led(), []).await?;
        let led = rows.first().map(|row| row.try_get_by_index(0));
        Ok(led.transpose()?.unwrap_or(false))
    }
}

impl Herald {
    /// Wakes the others.
    ///
    /// # Errors
    /// What the database may do. The next call connects anew.
    pub async fn tell(&mut self) -> Result<(), StoreError> {
        let name = self.name.clone();
        let telling = async {
            let query = sqlx::query(postgres::NOTIFY).bind(name);
            query.execute(self.connected().await?).await
        };
        let told = answered(WORD_TIMEOUT, telling).await;
        self.checked(told.map(|_| ()))
    }

    /// Shows that this process is alive; answers whether it leads. To be called several times within the time after which a
    /// silent session is ended.
    ///
    /// # Errors
    /// What the database may do: then this process leads no more. The next call connects anew.
    pub async fn beat(&mut self) -> Result<bool, StoreError> {
        if self.leads {
            let beating = async { self.connected().await?.execute("SELECT 1").await };
            let alive = answered(WORD_TIMEOUT, beating).await;
            self.checked(alive.map(|_| ()))?;
            return Ok(self.leads);
        }
        let asked = AssertSqlSafe(postgres::try_to_lead());
        let asking = async { sqlx::query_scalar(asked).fetch_one(self.connected().await?).await };
        let leads = answered(WORD_TIMEOUT, asking).await;
        self.leads = self.checked(leads)?;
        Ok(self.leads)
    }

    async fn connected(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        Ok(self.connection.insert(connection))
    }

    fn checked<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        if result.is_err() {
            self.connection = None;
            self.leads = false;
        }
        Ok(result?)
    }
}

impl Listener {
    /// Waits until another process has written, or may have: what was told while the connection was gone is lost. Cancel-safe.
    ///
    /// # Errors
    /// What the database may do; the next call connects anew.
    pub async fn heard(&mut self) -> Result<(), StoreError> {
        loop {
            match self.listener.try_recv().await? {
                Some(told) if told.payload() == self.name => {}
                Some(_) | None => {
                    // One look does for all that was told by now.
                    while self.listener.next_buffered().is_some() {}
                    return Ok(());
                }
            }
        }
    }
}
