//! Releases: markers below the stories that they cover (reference, sections 2.7 and 5.5).

use crate::model::story::{Panel, State, StoryType};
use crate::repo::iteration;
use crate::repo::project::Project;
use crate::repo::story::{self, Story};
use sea_query::{Expr, ExprTrait};
use std::collections::HashMap;
use store::{StoreError, Tx};

/// How far a release is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// When it will be done, if it is in the Backlog; microseconds.
    pub projected_completion: Option<i64>,
    /// Points of accepted stories.
    pub points_accepted: f64,
    /// Points of all.
    pub points_total: f64,
    /// Accepted stories.
    pub counts_accepted: i64,
    /// All stories.
    pub counts_total: i64,
}

/// All releases of a project, each with the stories between the marker before it and itself.
pub fn covered(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<(Story, Vec<Story>)>, StoreError> {
    let (mut found, mut between, mut panel) = (Vec::new(), Vec::new(), Panel::Accepted);
    for story in story::list(tx, Expr::col("project_id").eq(project_id))? {
        // Markers in the Icebox do not cover what is in the Backlog.
        if story.panel == Panel::Icebox && panel != Panel::Icebox {
            between.clear();
        }
        panel = story.panel;
        match story.story_type {
            StoryType::Release => found.push((story, std::mem::take(&mut between))),
            _ => between.push(story),
        }
    }
    Ok(found)
}

/// How far each release of a project is, by number.
pub fn progress(tx: &mut Tx<'_>, project: &Project, now: i64) -> Result<HashMap<i64, Progress>, StoreError> {
    let (calendar, stories, plan) = iteration::plan(tx, project, now)?;
    let numbers: HashMap<i64, u32> = plan
        .numbers(stories.len())
        .into_iter()
        .enumerate()
        .filter_map(|(index, number)| Some((stories[index].id, number?)))
        .collect();
    let mut found = HashMap::new();
    for (release, covered) in covered(tx, project.id)? {
        let mut progress = Progress::default();
        for story in &covered {
            let points = story.estimate.unwrap_or(0.0);
            progress.counts_total += 1;
            progress.points_total += points;
            if story.current_state == State::Accepted {
                progress.counts_accepted += 1;
                progress.points_accepted += points;
            }
        }
        let open = release.current_state.panel() == Panel::Scheduled;
        progress.projected_completion =
            numbers.get(&release.id).filter(|_| open).map(|number| calendar.start(number + 1));
        found.insert(release.id, progress);
    }
    Ok(found)
}
