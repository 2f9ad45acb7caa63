//! Changing stories: fields, state with its side effects, place. One request is one version and one activity.

use crate::ApiError;
use crate::model::points;
use crate::model::story::{self, Panel, State, StoryType};
use crate::model::time;
use crate::repo::activity::{self, Draft, change, difference};
use crate::repo::label::{self, Named};
use crate::repo::scope::Scope;
use crate::repo::story::create::{check_accepted_at, check_estimate, check_owners};
use crate::repo::story::place::{self, Group, Wanted};
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
    pub comment: Option<String>,
}

/// Changes a story. If nothing changes, nothing is written.
pub fn update(tx: &mut Tx<'_>, scope: &mut Scope, before: &Whole, patch: Patch, now: i64) -> Result<Whole, ApiError> {
    let me = scope.me()?.id();
    let old = &before.story;
    check_people(tx, scope, &patch)?;
    let (labels, new_labels) = match &patch.labels {
        None => (before.labels.clone(), Vec::new()),
        Some(named) => {
            let (labels, new) = label::resolve(tx, old.project_id, named, now)?;
            (labels.into_iter().map(|label| (label.id, label.name)).collect(), new)
        }
    };
    let mut whole = Whole {
        story: patched(scope, old, &patch)?,
        owners: patch.owners.clone().unwrap_or_else(|| before.owners.clone()),
        labels,
        followers: patch.followers.clone().unwrap_or_else(|| before.followers.clone()),
    };
    settle_state(scope, before, &mut whole, &patch, me, now)?;
    let placed = settle_place(tx, scope, old, &mut whole.story, patch.wanted)?;
    check(scope, &whole.story)?;

    let values = difference(&before.values(), &whole.values());
    let text = patch.comment.as_deref().filter(|text| !text.trim().is_empty());
    if values.is_none() && !placed && text.is_none() {
        return Ok(before.clone());
    }
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

    let (mut original, mut new) = values.clone().unwrap_or_default();
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
    if let Some(text) = text {
        let made = comment::insert(tx, comment::On::Story(story), me, text, None, now)?;
        changes.push(comment::created(&made));
    }
    if entered && story.current_state == State::Accepted {
        changes.extend(blocker::resolve_for(tx, story.id, now)?);
    }
    changes.extend(label::count_changes(tx, &counted)?);

    let said = said(tx, old, &whole, values.as_ref(), placed, text, stands)?;
    let draft = Draft {
        subject: if said.comment_only { "comment" } else { "story" },
        verb: said.verb,
        object: story.object(),
        message: said.message,
        highlight: said.highlight,
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    };
    activity::record(tx, scope, now, draft)?;
    Ok(whole)
}

fn note(original: &mut Map<String, Value>, new: &mut Map<String, Value>, name: &str, old: Value, now: Value) {
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
    let given = patch.accepted_at.flatten();
    if let Some(at) = given {
        check_accepted_at(at, now)?;
        if new != State::Accepted {
            return Err(ApiError::invalid_field("accepted_at", "Only accepted stories have an accepted_at."));
        }
    }
    whole.story.accepted_at = match new {
        State::Accepted => given.or(before.story.accepted_at.filter(|_| old == State::Accepted)).or(Some(now)),
        _ => None,
    };
    if patch.wanted.group == Some(Group::Current) && !scope.project.settings().automatic_planning {
        whole.story.current_state = match new {
            State::Unstarted | State::Unscheduled => State::Planned,
            other => other,
        };
    }
    if patch.wanted.group == Some(Group::Scheduled) && new == State::Planned && patch.current_state.is_none() {
        whole.story.current_state = State::Unstarted;
    }
    Ok(())
}

/// Where the story comes to stand; answers whether somebody wanted it there.
fn settle_place(
    tx: &mut Tx<'_>,
    scope: &Scope,
    old: &Story,
    story: &mut Story,
    wanted: Wanted,
) -> Result<bool, ApiError> {
    if wanted.is_given() {
        // It still stands where it stood, in a state that may be new.
        if let Some((panel, position)) = place::wanted(tx, story, wanted)? {
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

fn check(scope: &Scope, story: &Story) -> Result<(), ApiError> {
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

/// Original and new values.
type Values = (Map<String, Value>, Map<String, Value>);

struct Said {
    verb: &'static str,
    message: String,
    highlight: String,
    comment_only: bool,
}

/// What happened, in a sentence: state before estimate before everything else.
fn said(
    tx: &mut Tx<'_>,
    old: &Story,
    whole: &Whole,
    values: Option<&Values>,
    placed: bool,
    comment: Option<&str>,
    stands: (Option<i64>, Option<i64>),
) -> Result<Said, ApiError> {
    let story = &whole.story;
    let kind = story.story_type.as_str();
    let say = |verb, message: String, highlight: &str| {
        Ok(Said { verb, message, highlight: highlight.into(), comment_only: false })
    };
    let names = values.map_or(0, |(_, new)| new.len());
    let entered = story.current_state != old.current_state;
    let only_moved = placed && (values.is_none() || (names == 1 && entered));
    if only_moved && (values.is_none() || old.panel != story.panel || old.current_state == State::Planned) {
        let beside = match stands {
            // At the end of its list: told by what stands above.
            (Some(above), below) if !same_list(tx, story, below)? => Some(("after", above)),
            (_, Some(below)) => Some(("before", below)),
            (Some(above), None) => Some(("after", above)),
            (None, None) => None,
        };
        let highlight = match (old.panel, story.panel) {
            (Panel::Icebox, Panel::Scheduled) => "moved and scheduled",
            _ => "moved",
        };
        let message = match beside {
            None => format!("{highlight} this story"),
            Some((word, id)) => {
                let other: Option<Story> = record::find(tx, id)?;
                format!("{highlight} this story {word} '{}'", other.map_or_else(String::new, |other| other.name))
            }
        };
        return say("move", message, highlight);
    }
    if entered {
        let verb = story.current_state.as_str();
        let mut message = format!("{verb} this {kind}");
        if let Some(text) = comment {
            message.push_str(&format!(" with comments: \"{text}\""));
        }
        return say("update", message, verb);
    }
    if values.is_none() {
        return Ok(commented(comment));
    }
    if let Some(estimate) = story.estimate.filter(|_| story.estimate != old.estimate) {
        let unit = if estimate == 1.0 { "point" } else { "points" };
        return say("update", format!("estimated this {kind} as {} {unit}", points::show(estimate)), "estimated");
    }
    say("update", format!("edited this {kind}"), "edited")
}

fn commented(text: Option<&str>) -> Said {
    let message = format!("added comment: \"{}\"", text.unwrap_or_default());
    Said { verb: "create", message, highlight: "added comment:".into(), comment_only: true }
}

fn same_list(tx: &mut Tx<'_>, story: &Story, other: Option<i64>) -> Result<bool, ApiError> {
    let Some(id) = other else { return Ok(false) };
    let other: Option<Story> = record::find(tx, id)?;
    Ok(other.is_some_and(|other| other.panel == story.panel))
}
