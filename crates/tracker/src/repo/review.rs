//! Reviews of stories, and their types.

use crate::ApiError;
use crate::model::time;
use crate::repo::activity::{self, change};
use crate::repo::record::{self, record};
use crate::repo::story::Story;
use sea_query::{Expr, ExprTrait};
use serde_json::{Map, Value, json};
use store::{StoreError, Tx};

/// How a review can stand.
pub const STATUSES: [&str; 4] = ["unstarted", "in_review", "pass", "revise"];
/// What a new project has.
const USUAL: [&str; 4] = ["Test (QA)", "Design", "Code", "Security"];

record! {
    /// A kind of review.
    ReviewType in "review_type" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// What is looked at.
        name: String,
        /// Is it offered no more?
        hidden: bool,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

record! {
    /// A review.
    Review in "review" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// Its story.
        story_id: i64,
        /// Its kind.
        review_type_id: i64,
        /// Who looks.
        reviewer_id: Option<i64>,
        /// One of [`STATUSES`].
        status: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// A review to be.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// Its kind.
    pub review_type_id: i64,
    /// Who looks.
    pub reviewer_id: Option<i64>,
    /// One of [`STATUSES`].
    pub status: String,
}

/// The types that every project begins with.
pub fn create_usual_types(tx: &mut Tx<'_>, project_id: i64, now: i64) -> Result<(), StoreError> {
    for name in USUAL {
        insert_type(tx, project_id, name, false, now)?;
    }
    Ok(())
}

/// Makes a type.
pub fn insert_type(
    tx: &mut Tx<'_>,
    project_id: i64,
    name: &str,
    hidden: bool,
    now: i64,
) -> Result<ReviewType, StoreError> {
    let id = tx.next_number("review_type")?;
    let made = ReviewType { id, project_id, name: name.into(), hidden, created_at: now, updated_at: now };
    record::insert(tx, &made)?;
    Ok(made)
}

/// All types of a project.
pub fn types(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<ReviewType>, StoreError> {
    record::all(tx, Expr::col("project_id").eq(project_id))
}

/// All of a story.
pub fn list(tx: &mut Tx<'_>, story_id: i64) -> Result<Vec<Review>, StoreError> {
    record::all(tx, Expr::col("story_id").eq(story_id))
}

/// 400 unless type and reviewer are the project's.
pub fn check(tx: &mut Tx<'_>, project_id: i64, review_type_id: i64, reviewer: Option<i64>) -> Result<(), ApiError> {
    let known: Option<ReviewType> = record::find(tx, review_type_id)?;
    if known.is_none_or(|known| known.project_id != project_id) {
        let text = format!("Review type {review_type_id} is none of this project.");
        return Err(ApiError::invalid_field("review_type_id", text));
    }
    crate::repo::story::check_members(tx, project_id, "reviewer_id", reviewer.as_slice())
}

/// Takes a story's reviews along into another project, whose types of the same names they have there; a name that it lacks is
/// made. Who is no member there reviews no more.
pub fn transfer(tx: &mut Tx<'_>, story_id: i64, target: i64, members: &[i64], now: i64) -> Result<(), ApiError> {
    for review in list(tx, story_id)? {
        let name = record::find::<ReviewType>(tx, review.review_type_id)?.map(|kind| kind.name).unwrap_or_default();
        let known = types(tx, target)?.into_iter().find(|kind| kind.name == name);
        let kind = match known {
            Some(kind) => kind,
            None => insert_type(tx, target, &name, false, now)?,
        };
        let reviewer_id = review.reviewer_id.filter(|id| members.contains(id));
        record::save(tx, &Review { project_id: target, review_type_id: kind.id, reviewer_id, ..review })?;
    }
    Ok(())
}

/// Makes one.
pub fn insert(tx: &mut Tx<'_>, story: &Story, new: &NewReview, now: i64) -> Result<Review, ApiError> {
    check(tx, story.project_id, new.review_type_id, new.reviewer_id)?;
    let review = Review {
        id: tx.next_number("review")?,
        project_id: story.project_id,
        story_id: story.id,
        review_type_id: new.review_type_id,
        reviewer_id: new.reviewer_id,
        status: new.status.clone(),
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &review)?;
    Ok(review)
}

/// As activities tell of a changed one; none: nothing changed.
pub fn changed(before: &Review, after: &Review) -> Option<Value> {
    let (original, new) = activity::updated(&values(before), &values(after), (before.updated_at, after.updated_at))?;
    Some(change("review", after.id, Some(original), Some(new), &[]))
}

/// What of it may change.
fn values(review: &Review) -> Map<String, Value> {
    let values = json!({
        "review_type_id": review.review_type_id,
        "reviewer_id": review.reviewer_id,
        "status": review.status,
    });
    values.as_object().cloned().unwrap_or_default()
}

/// As activities tell of a new one.
pub fn created(review: &Review) -> Value {
    let mut values = values(review);
    values.insert("id".into(), json!(review.id));
    values.insert("story_id".into(), json!(review.story_id));
    values.insert("created_at".into(), json!(time::show(review.created_at)));
    values.insert("updated_at".into(), json!(time::show(review.updated_at)));
    change("review", review.id, None, Some(values), &[])
}
