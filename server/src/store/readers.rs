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

use super::dialect::postgres::{ANSWER_TIMEOUT, answered, is_deadlock};
use super::error::{StoreError, driver, driver_below};

/// A connection that is looked at answers within this time; all of them are looked at while one caller waits.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A step of the schema takes one table after the other, as does a statement that reads several: where they meet, the database
/// ends one of the two. What reads has nothing to lose, and goes on behind the step. There are few steps, one after the other.
const READINGS: u32 = 3;

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

    /// Has `ask` put a question: all of it on one connection, whatever becomes of the caller.
    pub(super) fn asked<Q, T, E, W, A>(
        &self,
        question: Q,
        ask: A,
    ) -> impl Future<Output = Result<T, E>> + Send + use<Q, T, E, W, A>
    where
        Q: Clone + Send + 'static,
        A: Fn(DatabaseConnection, Q) -> W + Send + 'static,
        T: Send + 'static,
        E: ReadError,
        W: Future<Output = Result<T, E>> + Send + 'static,
    {
        let pool = self.pool.clone();
        let doubt = self.doubt.clone();
        async move {
            match doubt {
                None => ask(pool, question).await,
                Some(doubt) => {
                    let unit = tokio::spawn(limited(read(pool, question, ask), doubt));
                    unit.await
                        .unwrap_or_else(|_| Err(silent("the read was ended").into()))
                }
            }
        }
    }
}

/// How a read ends that does not succeed.
pub(super) trait ReadError: From<DbErr> + Send + 'static {
    /// What the driver said.
    fn driver(&self) -> Option<&sqlx::Error>;
}

impl ReadError for DbErr {
    fn driver(&self) -> Option<&sqlx::Error> {
        driver_below(self)
    }
}

impl ReadError for StoreError {
    fn driver(&self) -> Option<&sqlx::Error> {
        driver(self)
    }
}

async fn read<Q: Clone, T, E: ReadError, W: Future<Output = Result<T, E>>>(
    pool: DatabaseConnection,
    question: Q,
    ask: impl Fn(DatabaseConnection, Q) -> W,
) -> Result<T, E> {
    for _ in 1..READINGS {
        match ask(pool.clone(), question.clone()).await {
            Err(error) if error.driver().is_some_and(is_deadlock) => (),
            answer => return answer,
        }
    }
    ask(pool, question).await
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
        Box::pin(self.asked(asked, |pool, asked| async move { pool.execute_raw(asked).await }))
    }

    fn execute_unprepared<'a, 's, 't>(&'a self, asked: &'s str) -> Answer<'t, ExecResult>
    where
        'a: 't,
        's: 't,
        Self: 't,
    {
        let ask =
            |pool: DatabaseConnection, asked: String| async move { pool.execute_unprepared(&asked).await };
        Box::pin(self.asked(asked.to_owned(), ask))
    }

    fn query_one_raw<'a, 't>(&'a self, asked: Statement) -> Answer<'t, Option<QueryResult>>
    where
        'a: 't,
        Self: 't,
    {
        Box::pin(self.asked(
            asked,
            |pool, asked| async move { pool.query_one_raw(asked).await },
        ))
    }

    fn query_all_raw<'a, 't>(&'a self, asked: Statement) -> Answer<'t, Vec<QueryResult>>
    where
        'a: 't,
        Self: 't,
    {
        Box::pin(self.asked(
            asked,
            |pool, asked| async move { pool.query_all_raw(asked).await },
        ))
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
