//! Creating stories, with what comes with them.

use crate::ApiError;
use crate::model::story::{self, Panel, State, StoryType};
use crate::model::{points, time};
use crate::repo::activity::{self, Draft, change};
use crate::repo::label::{self, Named};
use crate::repo::record;
use crate::repo::scope::Scope;
use crate::repo::story::place::{self, Group, Wanted};
use crate::repo::story::{Story, Whole, check_members, link};
use crate::repo::transition::{self, Transition};
use crate::repo::{blocker, comment, review, task};
use serde_json::{Map, Value, json};
use store::Tx;

/// A story to be.
#[derive(Debug, Clone)]
pub struct NewStory {
    /// Title.
    pub name: String,
    /// Markdown.
    pub description: Option<String>,
    /// Kind of work.
    pub story_type: StoryType,
    /// How far it is; none: as its place has it, in the Icebox without one.
    pub current_state: Option<State>,
    /// Points.
    pub estimate: Option<f64>,
    /// `none`.
    pub story_priority: String,
    /// Microseconds.
    pub accepted_at: Option<i64>,
    /// Microseconds.
    pub deadline: Option<i64>,
    /// None: who creates it.
    pub requested_by_id: Option<i64>,
    /// First one first.
    pub owners: Vec<i64>,
    /// By name or number.
    pub labels: Vec<Named>,
    /// By number.
    pub followers: Vec<i64>,
    /// Of an external item.
    pub integration_id: Option<i64>,
    /// Of an external item.
    pub external_id: Option<String>,
    /// None: now.
    pub created_at: Option<i64>,
    /// None: the usual place.
    pub wanted: Wanted,
    /// Descriptions, and whether they are done.
    pub tasks: Vec<(String, bool)>,
    /// Texts.
    pub comments: Vec<String>,
    /// Descriptions, and whether they are resolved.
    pub blockers: Vec<(String, bool)>,
    /// Kind, reviewer, status.
    pub reviews: Vec<review::NewReview>,
}

/// Creates it in the project of `scope`.
pub fn create(tx: &mut Tx<'_>, scope: &mut Scope, new: NewStory, now: i64) -> Result<Whole, ApiError> {
    let project_id = scope.project.id;
    let state = match new.current_state {
        Some(state) => state,
        None => state_of_place(tx, scope, new.wanted)?,
    };
    check(tx, scope, &new, state, now)?;
    let me = scope.me()?.clone();
    let (labels, new_labels) = label::resolve(tx, project_id, &new.labels, now)?;
    let label_ids: Vec<i64> = labels.iter().map(|label| label.id).collect();
    let counted = label::counts(tx, &label_ids)?;

    let created_at = new.created_at.unwrap_or(now);
    let mut story = Story {
        id: tx.next_number("story")?,
        project_id,
        name: new.name,
        description: new.description,
        story_type: new.story_type,
        current_state: state,
        panel: state.panel(),
        position: 0,
        estimate: new.estimate,
        story_priority: new.story_priority,
        accepted_at: (state == State::Accepted).then(|| new.accepted_at.unwrap_or(now)),
        deadline: new.deadline,
        requested_by_id: new.requested_by_id.unwrap_or(me.id()),
        integration_id: new.integration_id,
        external_id: new.external_id,
        created_at,
        updated_at: now,
    };
    // It is not in the list yet, so it stands nowhere already.
    story.position = match wanted(tx, &story, new.wanted)? {
        Some(position) => position,
        None => place::usual(tx, &story)?,
    };
    record::insert(tx, &story)?;
    let mut whole = Whole {
        owners: new.owners,
        labels: labels.iter().map(|label| (label.id, label.name.clone())).collect(),
        followers: new.followers,
        story,
    };
    if !new.comments.is_empty() || !new.blockers.is_empty() {
        whole.join(&[me.id()]);
    }
    for text in &new.comments {
        whole.join(&comment::mentioned(tx, project_id, text)?);
    }
    let story = &whole.story;
    link::set(tx, "story_owner", story.id, project_id, &[], &whole.owners)?;
    link::set(tx, "story_label", story.id, project_id, &[], &label_ids)?;
    link::set(tx, "story_follower", story.id, project_id, &[], &whole.followers)?;
    transition::add(
        tx,
        &Transition {
            story_id: story.id,
            project_id,
            project_version: scope.project.version + 1,
            state: story.current_state,
            occurred_at: story.accepted_at.unwrap_or(now),
            performed_by_id: me.id(),
        },
    )?;

    let mut changes: Vec<Value> = new_labels.iter().map(label::created).collect();
    changes.push(change("story", story.id, None, Some(values(tx, &whole)?), &story.names()));
    for (index, (description, complete)) in new.tasks.into_iter().enumerate() {
        let made = task::insert(tx, story, &description, complete, index as i64 + 1, now)?;
        changes.push(task::created(&made));
    }
    for text in &new.comments {
        let made = comment::insert(tx, comment::On::Story(story), me.id(), text, None, now)?;
        changes.push(comment::created(&made));
    }
    let mut secondary = Vec::new();
    for (description, resolved) in &new.blockers {
        let made = blocker::insert(tx, story, me.id(), description, *resolved, now)?;
        changes.push(blocker::created(&made));
        secondary.extend(blocker::secondary(tx, story, &made)?);
    }
    for wanted in &new.reviews {
        let made = review::insert(tx, story, wanted, now)?;
        changes.push(review::created(&made));
    }
    changes.extend(label::count_changes(tx, &counted)?);
    let draft = Draft {
        subject: "story",
        verb: "create",
        object: story.object(),
        message: format!("added this {}", story.story_type.as_str()),
        highlight: "added".into(),
        changes,
        primary: vec![story.resource()],
        secondary,
    };
    activity::record(tx, scope, now, draft)?;
    Ok(whole)
}

/// A story has the state of the list it is put in (reference, section 4); beside others it goes where they are, on the border
/// into the Icebox.
fn state_of_place(tx: &mut Tx<'_>, scope: &Scope, wanted: Wanted) -> Result<State, ApiError> {
    match wanted.group {
        Some(Group::Unscheduled) => return Ok(State::Unscheduled),
        Some(Group::Current) if !scope.project.settings().automatic_planning => return Ok(State::Planned),
        Some(_) => return Ok(State::Unstarted),
        None => {}
    }
    let project = scope.project.id;
    let mut panel = |id: Option<i64>| -> Result<Option<Panel>, ApiError> {
        let Some(id) = id else { return Ok(None) };
        let story = record::find::<Story>(tx, id)?.filter(|story| story.project_id == project);
        Ok(story.map(|story| story.panel.max(Panel::Scheduled)))
    };
    Ok(match (panel(wanted.before.flatten())?, panel(wanted.after.flatten())?) {
        (Some(before), Some(after)) if before != after => State::Unscheduled,
        (Some(Panel::Scheduled), _) | (None, Some(Panel::Scheduled)) => State::Unstarted,
        _ => State::Unscheduled,
    })
}

fn check(tx: &mut Tx<'_>, scope: &Scope, new: &NewStory, state: State, now: i64) -> Result<(), ApiError> {
    let settings = scope.project.settings();
    if let Some(problem) = story::problem(
        new.story_type,
        state,
        new.estimate,
        settings.automatic_planning,
        settings.bugs_and_chores_are_estimatable,
    ) {
        return Err(ApiError::invalid_field(problem.field, problem.text));
    }
    if let Some(points) = new.estimate {
        check_estimate(scope, points)?;
    }
    if let Some(at) = new.accepted_at {
        check_accepted_at(at, state, now)?;
    }
    if let Some(at) = new.created_at {
        if at > now {
            return Err(ApiError::bare().with_requirement("Story created_at cannot be in the future."));
        }
        if at < time::parse("2005-01-01").unwrap_or_default() {
            return Err(ApiError::bare().with_requirement(format!(
                "The date you entered {}, is too far in the past. Please enter a date after 2005-01-01T00:00:00Z.",
                time::show(at)
            )));
        }
    }
    if new.deadline.is_some() && new.story_type != StoryType::Release {
        return Err(ApiError::invalid_field("deadline", "Only releases may have a deadline."));
    }
    check_owners(&new.owners)?;
    check_members(tx, scope.project.id, "owner_ids", &new.owners)?;
    check_members(tx, scope.project.id, "follower_ids", &new.followers)?;
    if let Some(requester) = new.requested_by_id {
        check_members(tx, scope.project.id, "requested_by_id", &[requester])?;
    }
    if !new.tasks.is_empty() && !settings.enable_tasks {
        return Err(ApiError::invalid_field("tasks", "Tasks are not enabled in this project."));
    }
    Ok(())
}

/// 400 unless the scale has these points.
pub fn check_estimate(scope: &Scope, points: f64) -> Result<(), ApiError> {
    let scale = scope.project.settings().scale();
    if scale.contains(points) {
        return Ok(());
    }
    let text = format!(
        "'estimate' must be one of the point values of this project ({}), not {}.",
        scale.text(),
        points::show(points)
    );
    Err(ApiError::invalid_field("estimate", text))
}

/// 400 for a day to come, and for a story that is not accepted.
pub fn check_accepted_at(at: i64, state: State, now: i64) -> Result<(), ApiError> {
    let wrong = |text: &str| Err(ApiError::invalid_field("accepted_at", text));
    match state {
        State::Accepted if at > now => wrong("Story accepted_at cannot be in the future."),
        State::Accepted => Ok(()),
        _ => wrong("Only accepted stories have an accepted_at."),
    }
}

/// 400 for too many, and for one that is named twice.
pub fn check_owners(owners: &[i64]) -> Result<(), ApiError> {
    if owners.len() > 5 {
        return Err(ApiError::invalid_field("owner_ids", "A story can have at most 5 owners."));
    }
    match (1..owners.len()).any(|index| owners[..index].contains(&owners[index])) {
        true => Err(ApiError::invalid_field("owner_ids", "A person can own a story only once.")),
        false => Ok(()),
    }
}

fn wanted(tx: &mut Tx<'_>, story: &Story, wanted: Wanted) -> Result<Option<i64>, ApiError> {
    if !wanted.is_given() {
        return Ok(None);
    }
    // A new story has the state that was asked for; a neighbour of another list cannot change it.
    let nowhere = Story { panel: Panel::Accepted, ..story.clone() };
    Ok(place::wanted(tx, &nowhere, wanted, true)?.map(|(_, position)| position))
}

/// A new story as activities tell of it.
fn values(tx: &mut Tx<'_>, whole: &Whole) -> Result<Map<String, Value>, ApiError> {
    let story = &whole.story;
    let mut values = whole.values();
    values.retain(|name, value| name != "story_priority" || value != "none");
    values.insert("id".into(), json!(story.id));
    values.insert("project_id".into(), json!(story.project_id));
    values.insert("created_at".into(), json!(time::show(story.created_at)));
    values.insert("updated_at".into(), json!(time::show(story.updated_at)));
    values.insert("blocked_story_ids".into(), json!([]));
    let (after, before) = place::neighbours(tx, story)?;
    for (name, id) in [("after_id", after), ("before_id", before)] {
        if let Some(id) = id {
            values.insert(name.into(), json!(id));
        }
    }
    Ok(values)
}
