//! `POST /source_commits`: a commit comments the stories that its message names, and moves them on.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, story as view};
use crate::model::commit;
use crate::model::role::Action;
use crate::model::story::{self as rules, State};
use crate::repo::membership;
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::update::{Patch, Remark, update};
use crate::repo::story::{self, Story};
use serde_json::Value;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    Routes::new().post("/source_commits", create_source_commit)
}

/// A commit, as it was sent.
struct Commit {
    id: String,
    message: String,
    url: String,
    author: String,
}

fn read(params: &Params) -> Result<Commit, ApiError> {
    params.only(&["source_commit"])?;
    let object = params.raw("source_commit").and_then(Value::as_object);
    let inner = Params::of(object.ok_or_else(|| ApiError::missing("source_commit"))?.clone());
    inner.only(&["commit_id", "message", "url", "author", "repo"])?;
    Ok(Commit {
        id: inner.short("commit_id", 255)?.unwrap_or_default(),
        message: inner.text("message", 20_000)?.ok_or_else(|| ApiError::missing("message"))?,
        url: inner.text("url", 2000)?.unwrap_or_default(),
        author: inner.text("author", 255)?.unwrap_or_default(),
    })
}

fn create_source_commit(tx: &mut Tx<'_>, call: &Call) -> Answer {
    call.known()?;
    let commit = read(call.params())?;
    let mut touched = Vec::new();
    for (id, verb) in commit::read(&commit.message) {
        // What there is not, and what the caller may not change, is passed over.
        let Some(story) = record::find::<Story>(tx, id)? else { continue };
        let Ok(mut scope) = scope::project_by_id(tx, call, story.project_id, Action::Work) else { continue };
        let story = take(tx, call, &mut scope, story, verb, &commit)?;
        let view = View { call, scope: &scope };
        touched.push(view::story(tx, view, &story, call.fields())?);
    }
    Ok(Reply::ok(Value::Array(touched)))
}

/// Comments the story, and brings it into the state that the verb asks for, if it may come into it: one activity, in the name of
/// the author if that is a member.
fn take(
    tx: &mut Tx<'_>,
    call: &Call,
    scope: &mut Scope,
    story: Story,
    verb: commit::Verb,
    commit: &Commit,
) -> Result<Story, ApiError> {
    let members = membership::list(tx, scope.project.id)?;
    let author = members.into_iter().find(|(_, _, who)| who.name() == commit.author);
    scope.me = author.map(|(_, _, who)| who).or(scope.me.take());
    let text = format!("Commit by {}\n{}\n\n{}", commit.author, commit.url, commit.message);
    let text = text.chars().take(20_000).collect();
    let remark = Remark { text, commit: Some((commit.id.clone(), commit::host(&commit.url))) };
    let current_state = wanted(scope, &story, verb);
    let whole = story::whole(tx, story)?;
    let patch = Patch { current_state, comment: Some(remark), ..Patch::default() };
    Ok(update(tx, scope, &whole, &patch, call.now())?.story)
}

fn wanted(scope: &Scope, story: &Story, verb: commit::Verb) -> Option<State> {
    let state = verb.state(story.story_type, story.current_state)?;
    let settings = scope.project.settings();
    let problem = rules::problem(
        story.story_type,
        state,
        story.estimate,
        settings.automatic_planning,
        settings.bugs_and_chores_are_estimatable,
    );
    problem.is_none().then_some(state)
}
