//! Comments of stories and epics.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::View;
use crate::api::view::comment::{COMMENT, comments as view};
use crate::model::role::{Action, Role};
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::comment::{self as repo, Comment, On};
use crate::repo::epic::Epic;
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::{Story, touch};
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new();
    for (all, one) in [
        (
            "/projects/{project_id}/stories/{story_id}/comments",
            "/projects/{project_id}/stories/{story_id}/comments/{comment_id}",
        ),
        ("/stories/{story_id}/comments", "/stories/{story_id}/comments/{comment_id}"),
        (
            "/projects/{project_id}/epics/{epic_id}/comments",
            "/projects/{project_id}/epics/{epic_id}/comments/{comment_id}",
        ),
    ] {
        routes = routes
            .get(all, list_comments)
            .post(all, create_comment)
            .get(one, get_comment)
            .put(one, update_comment)
            .delete(one, delete_comment);
    }
    routes
}

/// What the comments of a path are on.
enum Owner {
    Story(Story),
    Epic(Epic),
}

impl Owner {
    fn on(&self) -> On<'_> {
        match self {
            Self::Story(story) => On::Story(story),
            Self::Epic(epic) => On::Epic(epic),
        }
    }
}

fn owner(tx: &mut Tx<'_>, call: &Call, action: Action) -> Result<(Scope, Owner), ApiError> {
    if call.segment("epic_id").is_some() {
        let (scope, epic) = scope::epic(tx, call, action)?;
        return Ok((scope, Owner::Epic(epic)));
    }
    let (scope, story) = scope::story(tx, call, action)?;
    Ok((scope, Owner::Story(story)))
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, comment: &Comment) -> Answer {
    let view = view(tx, View { call, scope }, std::slice::from_ref(comment), call.fields())?.pop();
    Ok(Reply::ok(view.unwrap_or_default()).at(scope.project.version))
}

fn list_comments(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, owner) = owner(tx, call, Action::Read)?;
    let all: Vec<Comment> = match owner.on() {
        On::Story(story) => record::all(tx, Expr::col("story_id").eq(story.id))?,
        On::Epic(epic) => record::all(tx, Expr::col("epic_id").eq(epic.id))?,
    };
    let body = view(tx, View { call, scope: &scope }, &all, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, on: On<'_>) -> Result<Comment, ApiError> {
    let comment: Option<Comment> = record::find(tx, call.id("comment_id")?)?;
    comment.filter(|comment| on.has(comment)).ok_or_else(ApiError::unfound)
}

fn get_comment(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, owner) = owner(tx, call, Action::Read)?;
    let comment = find(tx, call, owner.on())?;
    answer(tx, call, &scope, &comment)
}

const WRITABLE: [&str; 8] =
    ["text", "person_id", "commit_identifier", "commit_type", "story_id", "epic_id", "created_at", "updated_at"];

/// Files are not kept here: that there are none may be sent.
const EMPTY: [&str; 11] = [
    "file_attachments",
    "file_attachment_ids",
    "file_attachment_ids_to_add",
    "file_attachment_ids_to_remove",
    "google_attachments",
    "google_attachment_ids",
    "google_attachment_ids_to_remove",
    "google_attachments_to_add",
    "attachment_ids",
    "attachment_ids_to_remove",
    "attachments_to_add",
];

fn text(call: &Call) -> Result<String, ApiError> {
    if let Some(value) = call.params().raw("text").filter(|value| !value.is_string() && !value.is_null()) {
        let text = format!("The 'text' parameter value was '{value}' but must be of type 'extended_string'");
        return Err(ApiError::invalid(text));
    }
    let text = call.params().text_or_null("text", 20_000)?.ok_or_else(|| ApiError::missing("text"))?;
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => Ok(text),
        None => Err(ApiError::invalid_field("text", "Text can't be blank")),
    }
}

fn draft(on: On<'_>, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "comment",
        verb,
        object: on.object(),
        message,
        highlight: highlight.into(),
        changes,
        primary: vec![on.resource()],
        secondary: Vec::new(),
    }
}

/// The second change: the story or epic, and its followers if they are more now.
fn touched(tx: &mut Tx<'_>, on: On<'_>, joining: &[i64], now: i64) -> Result<Value, ApiError> {
    match on {
        On::Story(story) => Ok(touch(tx, story, joining, now)?),
        On::Epic(epic) => Ok(epic.touch(tx, joining, now)?),
    }
}

fn create_comment(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, owner) = owner(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only_or_empty(&WRITABLE, &EMPTY)?;
    call.check_fields(&COMMENT)?;
    let me = scope.me()?.id();
    let person = params.integer("person_id")?.unwrap_or(me);
    if person != me {
        // In somebody else's name only who manages the project writes: imports do.
        scope.permit(Action::Manage)?;
        crate::repo::story::check_members(tx, scope.project.id, "person_id", &[person])?;
    }
    let text = text(call)?;
    let identifier = params.short("commit_identifier", 255)?;
    let kind = params.short("commit_type", 255)?.unwrap_or_default();
    let commit = identifier.as_deref().map(|identifier| (identifier, kind.as_str()));
    let on = owner.on();
    let comment = repo::insert(tx, on, person, &text, commit, now)?;
    let joining = [vec![person], repo::mentioned(tx, scope.project.id, &text)?].concat();
    let changes = vec![repo::created(&comment), touched(tx, on, &joining, now)?];
    let draft = draft(on, "create", format!("added comment: \"{text}\""), "added comment:", changes);
    activity::record(tx, &mut scope, now, draft)?;
    answer(tx, call, &scope, &comment)
}

fn update_comment(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, owner) = owner(tx, call, Action::Work)?;
    call.params().only_or_empty(&WRITABLE, &EMPTY)?;
    call.params().any_of(&[&["text"][..], &EMPTY].concat())?;
    let on = owner.on();
    let before = find(tx, call, on)?;
    if before.person_id != scope.me()?.id() {
        return Err(ApiError::unauthorized());
    }
    let text = if call.params().has("text") { text(call)? } else { before.text.clone() };
    let comment = Comment { text, updated_at: call.now(), ..before.clone() };
    if comment.text == before.text {
        return answer(tx, call, &scope, &before);
    }
    record::save(tx, &comment)?;
    let values = |comment: &Comment| {
        let updated = time::show(comment.updated_at);
        json!({ "text": comment.text, "updated_at": updated }).as_object().cloned()
    };
    let changed = change("comment", comment.id, values(&before), values(&comment), &[]);
    let changes = vec![changed, touched(tx, on, &[], call.now())?];
    let draft = draft(on, "update", "edited this comment".into(), "edited this comment", changes);
    activity::record(tx, &mut scope, call.now(), draft)?;
    answer(tx, call, &scope, &comment)
}

fn delete_comment(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, owner) = owner(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let on = owner.on();
    let comment = find(tx, call, on)?;
    // Members delete their own; owners of the project any.
    if comment.person_id != scope.me()?.id() && scope.access.role != Some(Role::Owner) {
        return Err(ApiError::unauthorized());
    }
    record::remove::<Comment>(tx, comment.id)?;
    let changes = vec![change("comment", comment.id, None, None, &[]), touched(tx, on, &[], call.now())?];
    let draft = draft(on, "delete", "deleted a comment".into(), "deleted a comment", changes);
    activity::record(tx, &mut scope, call.now(), draft)?;
    Ok(Reply::nothing().at(scope.project.version))
}
