//! A few stories to look at in a new project: one of each type, in the Icebox, in the Backlog, and begun.

use crate::ApiError;
use crate::model::story::{State, StoryType};
use crate::repo::label::Named;
use crate::repo::scope::Scope;
use crate::repo::story::create::{NewStory, create};
use crate::repo::story::place::Wanted;
use store::Tx;

/// Title, type, state, points. What comes later stands above what came before it.
const STORIES: [(&str, StoryType, State, Option<f64>); 7] = [
    ("Ideas wait here, in the Icebox, until somebody schedules them", StoryType::Feature, State::Unscheduled, None),
    ("Invite the people you work with", StoryType::Chore, State::Unscheduled, None),
    ("First release: everything above belongs to it", StoryType::Release, State::Unstarted, None),
    ("Visitors can leave their address", StoryType::Feature, State::Unstarted, Some(2.0)),
    ("The page does not scroll on small screens", StoryType::Bug, State::Unstarted, None),
    ("Set up the domain", StoryType::Chore, State::Unstarted, None),
    ("Visitors see what this is about", StoryType::Feature, State::Started, Some(1.0)),
];

/// Makes them, as the caller.
pub fn fill(tx: &mut Tx<'_>, scope: &mut Scope, now: i64) -> Result<(), ApiError> {
    let settings = scope.project.settings().clone();
    for (name, story_type, state, points) in STORIES {
        // Where bugs and chores have points, they need some too.
        let estimable = story_type.is_estimable(settings.bugs_and_chores_are_estimatable);
        let points = points.or((estimable && state != State::Unscheduled).then_some(1.0));
        let owners = if state == State::Started { vec![scope.me()?.id()] } else { Vec::new() };
        let new = NewStory {
            name: name.into(),
            description: None,
            story_type,
            current_state: Some(state),
            estimate: points.map(|points| settings.scale().nearest(points)),
            story_priority: "none".into(),
            accepted_at: None,
            deadline: None,
            requested_by_id: None,
            owners,
            labels: vec![Named::Name("sample".into())],
            followers: Vec::new(),
            integration_id: None,
            external_id: None,
            created_at: None,
            wanted: Wanted::default(),
            tasks: Vec::new(),
            comments: Vec::new(),
            blockers: Vec::new(),
            reviews: Vec::new(),
        };
        create(tx, scope, new, now)?;
    }
    Ok(())
}
