//! `POST /source_commits`: a commit comments the stories that its message names, and moves them on.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, story as view};
use crate::model::commit;
use crate::model::role::Action;
use crate::model::story as rules;
use crate::repo::activity::{self, Draft};
use crate::repo::comment::{self, On};
use crate::repo::membership;
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::update::{Patch, update};
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
        comment_on(tx, call, &mut scope, &story, &commit)?;
        let story = moved(tx, call, &mut scope, story, verb)?;
        let view = View { call, scope: &scope };
        touched.push(view::story(tx, view, &story, call.fields())?);
    }
    Ok(Reply::ok(Value::Array(touched)))
}

fn comment_on(tx: &mut Tx<'_>, call: &Call, scope: &mut Scope, story: &Story, commit: &Commit) -> Result<(), ApiError> {
    let text = format!("Commit by {}\n{}\n\n{}", commit.author, commit.url, commit.message);
    let text: String = text.chars().take(20_000).collect();
    let members = membership::list(tx, scope.project.id)?;
    let author = members.iter().find(|(_, _, who)| who.name() == commit.author).map(|(_, _, who)| who.clone());
    let who = match author {
        Some(author) => author,
        None => scope.me()?.clone(),
    };
    let named = Some((commit.id.as_str(), commit::host(&commit.url)));
    let made = comment::insert(tx, On::Story(story), who.id(), &text, named, call.now())?;
    let draft = Draft {
        subject: "comment",
        verb: "create",
        object: story.object(),
        message: format!("added comment: \"{text}\""),
        highlight: "added comment:".into(),
        changes: vec![comment::created(&made)],
        primary: vec![story.resource()],
        secondary: Vec::new(),
    };
    Ok(activity::record_by(tx, &mut scope.project, &who, call.now(), draft)?)
}

/// The story in the state that the verb asks for, if it may come into it.
fn moved(tx: &mut Tx<'_>, call: &Call, scope: &mut Scope, story: Story, verb: commit::Verb) -> Result<Story, ApiError> {
    let Some(state) = verb.state(story.story_type, story.current_state) else { return Ok(story) };
    let settings = scope.project.settings();
    let problem = rules::problem(
        story.story_type,
        state,
        story.estimate,
        settings.automatic_planning,
        settings.bugs_and_chores_are_estimatable,
    );
    if problem.is_some() {
        return Ok(story);
    }
    let whole = story::whole(tx, story)?;
    let patch = Patch { current_state: Some(state), ..Patch::default() };
    Ok(update(tx, scope, &whole, patch, call.now())?.story)
}
