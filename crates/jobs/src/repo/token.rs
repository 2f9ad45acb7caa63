//! Tokens, by their hash.

use super::record::{self, record};
use crate::model::token::{hash, hint};
use identity::Subject;
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{StoreError, Tx};

/// Microseconds of a day: the time of last use is written once in that.
const DAY: i64 = 86_400_000_000;

record!(
    /// A token. The text itself is nowhere.
    Token in "job_token" {
        /// UUID.
        id: String,
        /// As [`Subject::kind`] has it.
        subject_kind: String,
        /// As [`Subject::id`] has it.
        subject_id: String,
        /// SHA-256, hex.
        hash: String,
        /// What it was made for: login, page, caller, job, service.
        purpose: String,
        /// Its last characters.
        hint: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds; none: until revoked.
        expires_at: Option<i64>,
        /// Is it good?
        active: bool,
        /// Microseconds, to the day.
        last_used_at: Option<i64>,
    }
);

impl Token {
    /// Keeps a new token's hash.
    pub fn add(
        tx: &mut Tx<'_>,
        subject: &Subject,
        text: &str,
        purpose: &str,
        now: i64,
        expires_at: Option<i64>,
    ) -> Result<Self, StoreError> {
        let token = Self {
            id: super::new_id(),
            subject_kind: subject.kind().into(),
            subject_id: subject.id().into(),
            hash: hash(text),
            purpose: purpose.into(),
            hint: hint(text),
            created_at: now,
            expires_at,
            active: true,
            last_used_at: None,
        };
        record::insert(tx, &token)?;
        Ok(token)
    }

    /// By what was sent.
    pub fn of_text(tx: &mut Tx<'_>, text: &str) -> Result<Option<Self>, StoreError> {
        tx.row(record::select::<Self>().and_where(Expr::col("hash").eq(hash(text))))
    }

    /// All of a subject, oldest first.
    pub fn of(tx: &mut Tx<'_>, subject: &Subject) -> Result<Vec<Self>, StoreError> {
        tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("subject_kind").eq(subject.kind()))
                .and_where(Expr::col("subject_id").eq(subject.id()))
                .order_by("created_at", Order::Asc)
                .order_by("id", Order::Asc),
        )
    }

    /// All good ones of everybody.
    pub fn active(tx: &mut Tx<'_>, now: i64) -> Result<Vec<Self>, StoreError> {
        let all: Vec<Self> = tx.rows(record::select::<Self>().and_where(Expr::col("active").eq(1)))?;
        Ok(all.into_iter().filter(|token| token.is_good(now)).collect())
    }

    /// Is it neither revoked nor past its time?
    pub fn is_good(&self, now: i64) -> bool {
        self.active && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whose it is.
    pub fn subject(&self) -> Subject {
        subject_of(&self.subject_kind, &self.subject_id)
    }

    /// Notes its use, once a day.
    pub fn touch(tx: &mut Tx<'_>, id: &str, now: i64) -> Result<(), StoreError> {
        tx.exec(Query::update().table("job_token").value("last_used_at", now).and_where(Expr::col("id").eq(id)))
            .map(|_| ())
    }

    /// Is its use to be noted?
    pub fn is_stale(&self, now: i64) -> bool {
        self.last_used_at.is_none_or(|at| at.div_euclid(DAY) != now.div_euclid(DAY))
    }

    /// Removes all of a subject but `keep`; answers how many.
    pub fn remove_of(tx: &mut Tx<'_>, subject: &Subject, keep: Option<&str>) -> Result<u64, StoreError> {
        let mut delete = Query::delete();
        delete
            .from_table("job_token")
            .and_where(Expr::col("subject_kind").eq(subject.kind()))
            .and_where(Expr::col("subject_id").eq(subject.id()));
        if let Some(keep) = keep {
            delete.and_where(Expr::col("id").ne(keep));
        }
        tx.exec(&delete)
    }

    /// Removes the one of this hash; answers how many there were.
    pub fn remove_hash(tx: &mut Tx<'_>, hash: &str) -> Result<u64, StoreError> {
        tx.exec(Query::delete().from_table("job_token").and_where(Expr::col("hash").eq(hash)))
    }

    /// Removes those that are past their time.
    pub fn sweep(tx: &mut Tx<'_>, now: i64) -> Result<u64, StoreError> {
        tx.exec(Query::delete().from_table("job_token").and_where(Expr::col("expires_at").lt(now)))
    }
}

/// A subject by kind and id.
pub fn subject_of(kind: &str, id: &str) -> Subject {
    match kind {
        "person" => Subject::Person(id.into()),
        "consumer" => Subject::Consumer(id.into()),
        "family" => Subject::Family(id.into()),
        "client" => Subject::Client(id.into()),
        _ => Subject::System,
    }
}
