//! Changing stories: fields, state with its side effects, place. One request is one version and one activity.

use crate::ApiError;
use crate::model::story::{self, Panel, State, StoryType};
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::label::{self, Named};
use crate::repo::scope::Scope;
use crate::repo::story::create::{check_accepted_at, check_estimate, check_owners};
use crate::repo::story::place::{self, Group, Wanted};
use crate::repo::story::said::{Told, said};
use crate::repo::story::{Story, Whole, check_members, link};
use crate::repo::transition::{self, Transition};
use crate::repo::{blocker, comment, record};
use serde_json::{Map, Value, json};
use store::Tx;

/// What is to be changed; none: stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// Title.
    pub name: Option<String>,
    /// Markdown.
    pub description: Option<Option<String>>,
    /// Kind of work.
    pub story_type: Option<StoryType>,
    /// How far it is.
    pub current_state: Option<State>,
    /// Points.
    pub estimate: Option<Option<f64>>,
    /// `p0` to `p3`, `none`.
    pub story_priority: Option<String>,
    /// Microseconds.
    pub accepted_at: Option<Option<i64>>,
    /// Microseconds.
    pub deadline: Option<Option<i64>>,
    /// Who wants it.
    pub requested_by_id: Option<i64>,
    /// First one first.
    pub owners: Option<Vec<i64>>,
    /// By name or number.
    pub labels: Option<Vec<Named>>,
    /// By number.
    pub followers: Option<Vec<i64>>,
    /// Of an external item.
    pub integration_id: Option<Option<i64>>,
    /// Of an external item.
    pub external_id: Option<Option<String>>,
    /// Where it is to stand.
    pub wanted: Wanted,
    /// Added in the same activity.
    pub comment: Option<Remark>,
}

/// A comment that comes with a change.
#[derive(Debug, Clone)]
pub struct Remark {
    /// Markdown.
    pub text: String,
    /// The commit that it tells of: its identifier, and where it is.
    pub commit: Option<(String, &'static str)>,
}

/// Changes a story. If nothing changes, nothing is written.
pub fn update(tx: &mut Tx<'_>, scope: &mut Scope, before: &Whole, patch: &Patch, now: i64) -> Result<Whole, ApiError> {
    let Some((whole, draft)) = apply(tx, scope, before, patch, now)? else { return Ok(before.clone()) };
    activity::record(tx, scope, now, draft)?;
    Ok(whole)
}

/// The same, and what is to be told of it, which is not told yet; none: nothing changes.
pub fn apply(
    tx: &mut Tx<'_>,
    scope: &Scope,
    before: &Whole,
    patch: &Patch,
    now: i64,
) -> Result<Option<(Whole, Draft)>, ApiError> {
    let me = scope.me()?.id();
    let old = &before.story;
    check_people(tx, scope, patch)?;
    let (labels, new_labels) = match &patch.labels {
        None => (before.labels.clone(), Vec::new()),
        Some(named) => {
            let (labels, new) = label::resolve(tx, old.project_id, named, now)?;
            (labels.into_iter().map(|label| (label.id, label.name)).collect(), new)
        }
    };
    let mut whole = Whole {
        story: patched(scope, old, patch)?,
        owners: patch.owners.clone().unwrap_or_else(|| before.owners.clone()),
        labels,
        followers: patch.followers.clone().unwrap_or_else(|| before.followers.clone()),
    };
    settle_state(scope, before, &mut whole, patch, me, now)?;
    let placed = settle_place(tx, scope, old, &mut whole.story, patch)?;
    check(scope, &whole.story)?;

    let remark = patch.comment.as_ref().filter(|remark| !remark.text.trim().is_empty());
    let fields = before.difference(&whole).map_or(0, |(_, new)| new.len());
    if fields == 0 && !placed && remark.is_none() {
        return Ok(None);
    }
    if let Some(remark) = remark {
        whole.join(&[me]);
        whole.join(&comment::mentioned(tx, old.project_id, &remark.text)?);
    }
    let (mut original, mut new) = before.difference(&whole).unwrap_or_default();
    whole.story.updated_at = now;
    let stood = place::neighbours(tx, old)?;
    let label_ids = |whole: &Whole| whole.labels.iter().map(|label| label.0).collect::<Vec<_>>();
    let (old_labels, labels) = (label_ids(before), label_ids(&whole));
    let counted = match counts_change(before, &whole) {
        true => label::counts(tx, &[old_labels.clone(), labels.clone()].concat())?,
        false => Default::default(),
    };

    let story = &whole.story;
    record::save(tx, story)?;
    link::set(tx, "story_owner", story.id, story.project_id, &before.owners, &whole.owners)?;
    link::set(tx, "story_label", story.id, story.project_id, &old_labels, &labels)?;
    link::set(tx, "story_follower", story.id, story.project_id, &before.followers, &whole.followers)?;
    let entered = story.current_state != old.current_state;
    if entered {
        transition::add(
            tx,
            &Transition {
                story_id: story.id,
                project_id: story.project_id,
                project_version: scope.project.version + 1,
                state: story.current_state,
                occurred_at: story.accepted_at.unwrap_or(now),
                performed_by_id: me,
            },
        )?;
    }

    let stands = place::neighbours(tx, story)?;
    if stood.0 != stands.0 {
        note(&mut original, &mut new, "after_id", json!(stood.0), json!(stands.0));
    }
    if stood.1 != stands.1 {
        note(&mut original, &mut new, "before_id", json!(stood.1), json!(stands.1));
    }
    let updated = (json!(time::show(old.updated_at)), json!(time::show(now)));
    note(&mut original, &mut new, "updated_at", updated.0, updated.1);
    let mut changes: Vec<Value> = new_labels.iter().map(label::created).collect();
    changes.push(change("story", story.id, Some(original), Some(new), &story.names()));
    if let Some(Remark { text, commit }) = remark {
        let commit = commit.as_ref().map(|(identifier, host)| (identifier.as_str(), *host));
        let made = comment::insert(tx, comment::On::Story(story), me, text, commit, now)?;
        // What nothing but a comment changed is told after it, as that of any part.
        let at = if fields == 0 && !placed { 0 } else { changes.len() };
        changes.insert(at, comment::created(&made));
    }
    if entered && story.current_state == State::Accepted {
        changes.extend(blocker::resolve_for(tx, story.id, now)?);
    }
    changes.extend(label::count_changes(tx, &counted)?);

    let comment = remark.map(|remark| remark.text.as_str());
    let said = said(tx, old, &whole, &Told { fields, placed, comment, stands })?;
    let draft = Draft {
        subject: said.subject,
        verb: said.verb,
        object: story.object(),
        message: said.message,
        highlight: said.highlight,
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    };
    Ok(Some((whole, draft)))
}

/// Notes one field of a change.
pub(super) fn note(
    original: &mut Map<String, Value>,
    new: &mut Map<String, Value>,
    name: &str,
    old: Value,
    now: Value,
) {
    original.insert(name.into(), old);
    new.insert(name.into(), now);
}

fn check_people(tx: &mut Tx<'_>, scope: &Scope, patch: &Patch) -> Result<(), ApiError> {
    let project = scope.project.id;
    if let Some(owners) = &patch.owners {
        check_owners(owners)?;
        check_members(tx, project, "owner_ids", owners)?;
    }
    if let Some(followers) = &patch.followers {
        check_members(tx, project, "follower_ids", followers)?;
    }
    if let Some(requester) = patch.requested_by_id {
        check_members(tx, project, "requested_by_id", &[requester])?;
    }
    Ok(())
}

/// The story with the fields of the patch, before state and place have their effects.
fn patched(scope: &Scope, old: &Story, patch: &Patch) -> Result<Story, ApiError> {
    let mut story = old.clone();
    story.name = patch.name.clone().unwrap_or(story.name);
    story.description = patch.description.clone().unwrap_or(story.description);
    story.estimate = patch.estimate.unwrap_or(story.estimate);
    story.story_priority = patch.story_priority.clone().unwrap_or(story.story_priority);
    story.deadline = patch.deadline.unwrap_or(story.deadline);
    story.requested_by_id = patch.requested_by_id.unwrap_or(story.requested_by_id);
    story.integration_id = patch.integration_id.unwrap_or(story.integration_id);
    story.external_id = patch.external_id.clone().unwrap_or(story.external_id);
    story.current_state = patch.current_state.unwrap_or(story.current_state);
    if let Some(story_type) = patch.story_type.filter(|story_type| *story_type != old.story_type) {
        story.story_type = story_type;
        if patch.current_state.is_none() {
            story.current_state = story_type.nearest(story.current_state);
        }
        // A feature that becomes a bug or a chore has no points any more, where those have none.
        if patch.estimate.is_none()
            && !story_type.is_estimable(scope.project.settings().bugs_and_chores_are_estimatable)
        {
            story.estimate = None;
        }
        if patch.deadline.is_none() && story_type != StoryType::Release {
            story.deadline = None;
        }
    }
    if patch.estimate.is_some()
        && let Some(points) = story.estimate
    {
        check_estimate(scope, points)?;
    }
    Ok(story)
}

/// What comes with a state: an owner, the time of acceptance.
fn settle_state(
    scope: &Scope,
    before: &Whole,
    whole: &mut Whole,
    patch: &Patch,
    me: i64,
    now: i64,
) -> Result<(), ApiError> {
    let (old, new) = (before.story.current_state, whole.story.current_state);
    let begun = new == State::Started && !old.is_in_progress() && old != State::Accepted;
    if begun && whole.owners.is_empty() && patch.owners.is_none() {
        whole.owners.push(me);
    }
    // Sent back as it was got, in whole seconds, it says nothing.
    let known = before.story.accepted_at.map(time::show);
    let given = patch.accepted_at.flatten().filter(|at| known != Some(time::show(*at)));
    if let Some(at) = given {
        check_accepted_at(at, new, now)?;
    }
    whole.story.accepted_at = match new {
        State::Accepted => given.or(before.story.accepted_at.filter(|_| old == State::Accepted)).or(Some(now)),
        _ => None,
    };
    if patch.current_state.is_some() {
        return Ok(());
    }
    let automatic = scope.project.settings().automatic_planning;
    whole.story.current_state = match (patch.wanted.group, new) {
        (Some(Group::Current), State::Unstarted | State::Unscheduled) if !automatic => State::Planned,
        (Some(Group::Scheduled), State::Planned) => State::Unstarted,
        _ => new,
    };
    Ok(())
}

/// Where the story comes to stand; answers whether somebody wanted it there.
fn settle_place(
    tx: &mut Tx<'_>,
    scope: &Scope,
    old: &Story,
    story: &mut Story,
    patch: &Patch,
) -> Result<bool, ApiError> {
    let wanted = patch.wanted;
    if wanted.is_given() {
        // It still stands where it stood, in a state that may be new.
        if let Some((panel, position)) = place::wanted(tx, story, wanted, patch.current_state.is_some())? {
            if panel != story.current_state.panel() {
                story.current_state = crossed(panel, story.current_state, scope, wanted.group);
            }
            story.panel = panel;
            story.position = position;
            return Ok(true);
        }
    }
    let entered = story.current_state != old.current_state;
    story.panel = story.current_state.panel();
    let begun = story.current_state == State::Started
        && !old.current_state.is_in_progress()
        && old.current_state.panel() == Panel::Scheduled;
    if story.panel == Panel::Accepted {
        story.position = story.accepted_at.unwrap_or_default();
    } else if story.panel != old.panel || (entered && begun) {
        story.position = place::usual(tx, story)?;
    }
    Ok(false)
}

/// The state of a story that is dragged over the border between Backlog and Icebox.
fn crossed(panel: Panel, state: State, scope: &Scope, group: Option<Group>) -> State {
    match panel {
        Panel::Icebox => State::Unscheduled,
        Panel::Scheduled if group == Some(Group::Current) && !scope.project.settings().automatic_planning => {
            State::Planned
        }
        Panel::Scheduled => State::Unstarted,
        Panel::Accepted => state,
    }
}

/// 400 for what its project forbids.
pub(super) fn check(scope: &Scope, story: &Story) -> Result<(), ApiError> {
    let settings = scope.project.settings();
    let problem = story::problem(
        story.story_type,
        story.current_state,
        story.estimate,
        settings.automatic_planning,
        settings.bugs_and_chores_are_estimatable,
    );
    if let Some(problem) = problem {
        return Err(ApiError::invalid_field(problem.field, problem.text));
    }
    if story.deadline.is_some() && story.story_type != StoryType::Release {
        return Err(ApiError::invalid_field("deadline", "Only releases may have a deadline."));
    }
    Ok(())
}

fn counts_change(before: &Whole, after: &Whole) -> bool {
    let counted = |whole: &Whole| (whole.story.current_state, whole.story.estimate, whole.labels.clone());
    counted(before) != counted(after) && !(before.labels.is_empty() && after.labels.is_empty())
}
