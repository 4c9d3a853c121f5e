//! Connections that read. Those to PostgreSQL may break without a word, and a statement on such a one is never answered.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
};
use sqlx::pool::PoolOptions;
use sqlx::{Connection as _, PgConnection, Postgres};

use super::dialect::postgres::{ANSWER_TIMEOUT, answered};

/// A connection that is looked at answers within this time; all of them are looked at while one caller waits.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The pool that reads. Of a file it is asked as it is. What PostgreSQL is asked runs in a task of its own, with a limit:
/// a caller who goes away leaves no connection half-way in a statement, and one that is silent is given up.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    pool: DatabaseConnection,
    doubt: Option<Doubt>,
}

/// How many connections are looked at before they are used or kept: all of them, once one was silent.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    left: Arc<AtomicU32>,
    all: u32,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

impl Readers {
    pub(super) const fn of_file(pool: DatabaseConnection) -> Self {
        Self { pool, doubt: None }
    }

    pub(super) const fn of_postgres(pool: DatabaseConnection, doubt: Doubt) -> Self {
        Self {
            pool,
            doubt: Some(doubt),
        }
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.pool.close_by_ref().await
    }

    /// The pool itself.
    pub(super) const fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Asks for something: all of it on one connection, whatever becomes of the caller.
    pub(super) fn asked<T, E, W, A>(
        &self,
        ask: A,
    ) -> impl Future<Output = Result<T, E>> + Send + use<T, E, W, A>
    where
        A: FnOnce(DatabaseConnection) -> W,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        let work = ask(self.pool.clone());
        let doubt = self.doubt.clone();
        async move {
            match doubt {
                None => work.await,
                Some(doubt) => {
                    let unit = tokio::spawn(limited(work, doubt));
                    unit.await
                        .unwrap_or_else(|_| Err(silent("the read was ended").into()))
                }
            }
        }
    }
}

async fn limited<T, E: From<DbErr>>(work: impl Future<Output = Result<T, E>>, doubt: Doubt) -> Result<T, E> {
    let mut work = pin!(work);
    if let Ok(answer) = tokio::time::timeout(ANSWER_TIMEOUT, &mut work).await {
        return answer;
    }
    // Before the connection goes back to the pool, which the end of `work` does.
    doubt.everything();
    Err(silent("the database does not answer").into())
}

fn silent(why: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned()))
}

impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    fn execute_raw<'a, 't>(&'a self, asked: Statement) -> Answer<'t, ExecResult>
    where
        'a: 't,
        Self: 't,
    {
        Box::pin(self.asked(|pool| async move { pool.execute_raw(asked).await }))
    }

    fn execute_unprepared<'a, 's, 't>(&'a self, asked: &'s str) -> Answer<'t, ExecResult>
    where
        'a: 't,
        's: 't,
        Self: 't,
    {
        let asked = asked.to_owned();
        Box::pin(self.asked(|pool| async move { pool.execute_unprepared(&asked).await }))
    }

    fn query_one_raw<'a, 't>(&'a self, asked: Statement) -> Answer<'t, Option<QueryResult>>
    where
        'a: 't,
        Self: 't,
    {
        Box::pin(self.asked(|pool| async move { pool.query_one_raw(asked).await }))
    }

    fn query_all_raw<'a, 't>(&'a self, asked: Statement) -> Answer<'t, Vec<QueryResult>>
    where
        'a: 't,
        Self: 't,
    {
        Box::pin(self.asked(|pool| async move { pool.query_all_raw(asked).await }))
    }
}

impl Doubt {
    /// Of a pool of so many connections.
    pub(super) fn of(connections: u32) -> Self {
        Self {
            left: Arc::default(),
            all: connections,
        }
    }

    /// What one connection met, the others may have met too.
    pub(super) fn everything(&self) {
        // One more: the silent one itself comes back to the pool before the others are asked for.
        self.left.store(self.all + 1, Ordering::SeqCst);
    }

    /// Has connections looked at while there is doubt: when they are taken from the pool, and when they go back to it.
    pub(super) fn watch(&self, options: PoolOptions<Postgres>) -> PoolOptions<Postgres> {
        let (taken, back) = (self.clone(), self.clone());
        options
            .before_acquire(move |connection, _| Box::pin(taken.clone().look(connection, 1)))
            .after_release(move |connection, _| Box::pin(back.clone().look(connection, 0)))
    }

    async fn look(self, connection: &mut PgConnection, counts: u32) -> Result<bool, sqlx::Error> {
        let fewer = |left: u32| (left > 0).then(|| left - counts);
        let is_doubted = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
            .is_ok();
        if is_doubted {
            answered(PING_TIMEOUT, connection.ping()).await?;
        }
        Ok(true)
    }
}
