//! Searches over a project: everything a search may look at, loaded by one statement a kind.

use crate::ApiError;
use crate::api::call::Call;
use crate::model::calendar::Calendar;
use crate::model::search::matches::{Subject, Who, matches};
use crate::model::search::{self, Query};
use crate::model::story::State;
use crate::repo::blocker::Blocker;
use crate::repo::comment::Comment;
use crate::repo::epic::{self, Epic};
use crate::repo::person::Somebody;
use crate::repo::review::{self, Review};
use crate::repo::scope::Scope;
use crate::repo::story::link::{self, Of};
use crate::repo::story::{self, Story};
use crate::repo::task::Task;
use crate::repo::{label, project, record};
use jiff::tz::TimeZone;
use sea_query::{Expr, ExprTrait};
use std::collections::{HashMap, HashSet};
use store::Tx;

/// Stories that were found, and how many lie in iterations that are not shown.
pub struct Found {
    /// In project order.
    pub stories: Vec<Story>,
    /// Found too, but done so long ago that they are left out.
    pub hidden: usize,
}

/// Reads a search as the caller means it.
pub fn parse(scope: &Scope, call: &Call, text: &str) -> Result<Option<Query>, ApiError> {
    let own = scope.me.as_ref().and_then(|me| me.profile.time_zone.as_deref());
    let zone = own.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| scope.project.settings().zone());
    search::parse(text, &zone, call.now()).map_err(ApiError::invalid)
}

/// The stories of a project that meet a search.
pub fn stories(tx: &mut Tx<'_>, call: &Call, scope: &Scope, text: &str) -> Result<Found, ApiError> {
    let query = parse(scope, call, text)?;
    let all = story::list(tx, Expr::col("project_id").eq(scope.project.id))?;
    let Some(query) = query else { return shown(tx, call, scope, all, false) };
    let known = Known::load(tx, scope)?;
    let found = all.into_iter().filter(|story| matches(&query, &known.subject(story))).collect();
    shown(tx, call, scope, found, query.includes_done())
}

/// Leaves out what was done before the iterations that are shown.
fn shown(tx: &mut Tx<'_>, call: &Call, scope: &Scope, all: Vec<Story>, done: bool) -> Result<Found, ApiError> {
    if done {
        return Ok(Found { stories: all, hidden: 0 });
    }
    let calendar = project::calendar(tx, &scope.project)?;
    let count = scope.project.settings().number_of_done_iterations_to_show;
    let first = calendar.start(Calendar::back(calendar.number_at(call.now()), count));
    let (total, mut stories) = (all.len(), all);
    stories.retain(|story| story.current_state != State::Accepted || story.position >= first);
    Ok(Found { hidden: total - stories.len(), stories })
}

/// The epics whose title, description or label meet a search: those of its terms that an epic can meet.
pub fn epics(tx: &mut Tx<'_>, call: &Call, scope: &Scope, all: Vec<Epic>, text: &str) -> Result<Vec<Epic>, ApiError> {
    let Some(query) = parse(scope, call, text)? else { return Ok(all) };
    let labels: HashMap<i64, String> =
        label::list(tx, scope.project.id)?.into_iter().map(|label| (label.id, label.name)).collect();
    let meets = |epic: &Epic| {
        let name = epic.name.to_lowercase();
        let subject = Subject {
            id: epic.id,
            name: &epic.name,
            description: epic.description.as_deref().unwrap_or_default(),
            // An epic has neither; stories in such a state are not searched for by these words.
            story_type: crate::model::story::StoryType::Feature,
            state: State::Unscheduled,
            estimate: None,
            priority: "none",
            moments: (epic.created_at, epic.updated_at, None),
            external_id: None,
            requester: None,
            owners: Vec::new(),
            labels: labels.get(&epic.label_id).map(String::as_str).into_iter().collect(),
            epics: vec![name.as_str()],
            comments: Vec::new(),
            tasks: Vec::new(),
            reviews: Vec::new(),
            blocked: false,
            blocking: false,
            following: false,
        };
        matches(&query, &subject)
    };
    Ok(all.into_iter().filter(meets).collect())
}

/// Everything of a project that a search may look at.
struct Known {
    me: i64,
    people: HashMap<i64, Who>,
    owners: HashMap<i64, Vec<i64>>,
    followers: HashMap<i64, Vec<i64>>,
    labels: HashMap<i64, Vec<i64>>,
    label_names: HashMap<i64, String>,
    epic_names: HashMap<i64, String>,
    comments: HashMap<i64, Vec<String>>,
    tasks: HashMap<i64, Vec<String>>,
    reviews: HashMap<i64, Vec<(String, String, Option<i64>)>>,
    blocked: HashSet<i64>,
    blocking: HashSet<i64>,
}

impl Known {
    fn load(tx: &mut Tx<'_>, scope: &Scope) -> Result<Self, ApiError> {
        let id = scope.project.id;
        let here = || Expr::col("project_id").eq(id);
        let owners = link::many(tx, "story_owner", Of::Project(id))?;
        let mut numbers: Vec<i64> = owners.values().flatten().copied().collect();
        let requesters: Vec<store::Row> =
            tx.rows(sea_query::Query::select().distinct().column("requested_by_id").from("story").and_where(here()))?;
        for row in &requesters {
            numbers.push(row.at(0)?);
        }
        let mut comments: HashMap<i64, Vec<String>> = HashMap::new();
        for comment in record::all::<Comment>(tx, here())? {
            comments.entry(comment.story_id.unwrap_or_default()).or_default().push(comment.text);
        }
        let mut tasks: HashMap<i64, Vec<String>> = HashMap::new();
        for task in record::all::<Task>(tx, here())? {
            tasks.entry(task.story_id).or_default().push(task.description);
        }
        let types: HashMap<i64, String> =
            review::types(tx, id)?.into_iter().map(|one| (one.id, one.name.to_lowercase())).collect();
        let mut reviews: HashMap<i64, Vec<_>> = HashMap::new();
        for one in record::all::<Review>(tx, here())? {
            numbers.extend(one.reviewer_id);
            let kind = types.get(&one.review_type_id).cloned().unwrap_or_default();
            reviews.entry(one.story_id).or_default().push((kind, one.status, one.reviewer_id));
        }
        let open: Vec<Blocker> = record::all(tx, here().and(Expr::col("resolved").eq(0)))?;
        let people = crate::repo::person::people(tx, &numbers)?;
        Ok(Self {
            me: scope.me.as_ref().map_or(0, Somebody::id),
            people: people.into_iter().map(|(id, who)| (id, known(&who))).collect(),
            followers: link::many(tx, "story_follower", Of::Project(id))?,
            labels: link::many(tx, "story_label", Of::Project(id))?,
            label_names: label::list(tx, id)?.into_iter().map(|label| (label.id, label.name)).collect(),
            epic_names: epic::list(tx, id)?.into_iter().map(|epic| (epic.label_id, epic.name.to_lowercase())).collect(),
            blocked: open.iter().map(|blocker| blocker.story_id).collect(),
            blocking: open.iter().filter_map(|blocker| blocker.blocking_story_id).collect(),
            owners,
            comments,
            tasks,
            reviews,
        })
    }

    fn subject<'a>(&'a self, story: &'a Story) -> Subject<'a> {
        let texts = |all: &'a HashMap<i64, Vec<String>>| {
            all.get(&story.id).into_iter().flatten().map(String::as_str).collect::<Vec<_>>()
        };
        let labels = || self.labels.get(&story.id).into_iter().flatten();
        let person = |id: &i64| self.people.get(id);
        let follows = self.followers.get(&story.id).is_some_and(|all| all.contains(&self.me));
        let owners: Vec<&Who> = self.owners.get(&story.id).into_iter().flatten().filter_map(person).collect();
        Subject {
            id: story.id,
            name: &story.name,
            description: story.description.as_deref().unwrap_or_default(),
            story_type: story.story_type,
            state: story.current_state,
            estimate: story.estimate,
            priority: &story.story_priority,
            moments: (story.created_at, story.updated_at, story.accepted_at),
            external_id: story.external_id.as_deref(),
            requester: person(&story.requested_by_id),
            following: follows || story.requested_by_id == self.me || owners.iter().any(|who| who.id == self.me),
            owners,
            labels: labels().filter_map(|id| self.label_names.get(id)).map(String::as_str).collect(),
            epics: labels().filter_map(|id| self.epic_names.get(id)).map(String::as_str).collect(),
            comments: texts(&self.comments),
            tasks: texts(&self.tasks),
            reviews: self
                .reviews
                .get(&story.id)
                .into_iter()
                .flatten()
                .map(|(kind, status, who)| (kind.as_str(), status.as_str(), who.as_ref().and_then(person)))
                .collect(),
            blocked: self.blocked.contains(&story.id),
            blocking: self.blocking.contains(&story.id),
        }
    }
}

fn known(who: &Somebody) -> Who {
    Who {
        id: who.id(),
        name: who.name().to_lowercase(),
        initials: who.initials().to_lowercase(),
        username: who.person.user_name.to_lowercase(),
    }
}
