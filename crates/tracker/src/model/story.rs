//! Types and states of stories, and which of them go together (reference, section 3).

use super::settings::Problem;
use serde::{Deserialize, Serialize};

/// What kind of work a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoryType {
    /// Something of value to a user; the only type that always has points.
    Feature,
    /// A fault.
    Bug,
    /// Work that must be done and has no value of its own.
    Chore,
    /// A marker below the stories that a release consists of.
    Release,
}

/// How far a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Done, and seen to be done by its requester.
    Accepted,
    /// Where its requester can try it.
    Delivered,
    /// Written.
    Finished,
    /// Being worked on.
    Started,
    /// Delivered, and not as it should be.
    Rejected,
    /// Dragged into the current iteration by hand; only where planning is manual.
    Planned,
    /// In the Backlog.
    Unstarted,
    /// In the Icebox.
    Unscheduled,
}

/// The part of a project's one order that a story stands in. Kept in a column: never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Panel {
    /// Accepted stories, by the time of their acceptance.
    Accepted = 0,
    /// Current and Backlog, by hand.
    Scheduled = 1,
    /// The Icebox, by hand.
    Icebox = 2,
}

impl StoryType {
    /// All, in the order in which error texts name them.
    pub const ALL: [Self; 4] = [Self::Feature, Self::Bug, Self::Chore, Self::Release];

    /// `feature`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Bug => "bug",
            Self::Chore => "chore",
            Self::Release => "release",
        }
    }

    /// From `feature`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|story_type| story_type.as_str() == text)
    }

    /// May a story of this type have points? `bugs_and_chores`: the project says that those have, too.
    pub fn is_estimable(self, bugs_and_chores: bool) -> bool {
        match self {
            Self::Feature => true,
            Self::Bug | Self::Chore => bugs_and_chores,
            Self::Release => false,
        }
    }

    /// May a story of this type be in `state`?
    pub fn allows(self, state: State, automatic_planning: bool) -> bool {
        if state == State::Planned && automatic_planning {
            return false;
        }
        match self {
            Self::Feature | Self::Bug => true,
            Self::Chore => !matches!(state, State::Delivered | State::Finished | State::Rejected),
            Self::Release => !state.is_in_progress(),
        }
    }

    /// The state nearest to `state` that this type may be in; for a story whose type changes.
    pub fn nearest(self, state: State) -> State {
        match (self, state) {
            (Self::Chore, State::Finished | State::Delivered | State::Rejected) => State::Started,
            (Self::Release, state) if state.is_in_progress() => State::Unstarted,
            (_, state) => state,
        }
    }
}

impl State {
    /// All, in the order in which error texts name them.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Delivered,
        Self::Finished,
        Self::Started,
        Self::Rejected,
        Self::Planned,
        Self::Unstarted,
        Self::Unscheduled,
    ];

    /// Being worked on or waiting for acceptance.
    pub const IN_PROGRESS: [Self; 4] = [Self::Started, Self::Finished, Self::Delivered, Self::Rejected];

    /// `accepted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Finished => "finished",
            Self::Started => "started",
            Self::Rejected => "rejected",
            Self::Planned => "planned",
            Self::Unstarted => "unstarted",
            Self::Unscheduled => "unscheduled",
        }
    }

    /// From `accepted`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Is it one of [`State::IN_PROGRESS`]?
    pub fn is_in_progress(self) -> bool {
        Self::IN_PROGRESS.contains(&self)
    }

    /// Must an estimable story have an estimate to be in this state?
    pub fn needs_estimate(self) -> bool {
        self == Self::Accepted || self.is_in_progress()
    }

    /// Where stories in this state stand.
    pub fn panel(self) -> Panel {
        match self {
            Self::Accepted => Panel::Accepted,
            Self::Unscheduled => Panel::Icebox,
            _ => Panel::Scheduled,
        }
    }
}

/// What is wrong with a story's type, state and estimate together; none: nothing.
pub fn problem(
    story_type: StoryType,
    state: State,
    estimate: Option<f64>,
    automatic_planning: bool,
    bugs_and_chores: bool,
) -> Option<Problem> {
    let of = |field: &'static str, text: String| Some(Problem { field, text });
    if !story_type.allows(state, automatic_planning) {
        let text = match state {
            State::Planned if automatic_planning => {
                "Stories can only be in the planned state when automatic planning is off.".into()
            }
            _ => format!("A {} cannot be in the {} state.", story_type.as_str(), state.as_str()),
        };
        return of("current_state", text);
    }
    let estimable = story_type.is_estimable(bugs_and_chores);
    if estimable && estimate.is_none() && state.needs_estimate() {
        return of("current_state", format!("Stories in the {} state must be estimated.", state.as_str()));
    }
    if !estimable && estimate.is_some() {
        let plural = match story_type {
            StoryType::Chore => "Chores",
            StoryType::Bug => "Bugs",
            _ => "Releases",
        };
        return of("estimate", format!("{plural} cannot be estimated in this project."));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recorded matrix of section 3.2; without an estimate, automatic planning.
    #[test]
    fn creation_matrix() {
        use State::*;
        let columns = [Accepted, Delivered, Finished, Planned, Rejected, Started, Unstarted, Unscheduled];
        for (story_type, row) in [
            (StoryType::Feature, "eee-ee++"),
            (StoryType::Bug, "+++-++++"),
            (StoryType::Chore, "+----+++"),
            (StoryType::Release, "+-----++"),
        ] {
            for (state, expected) in columns.into_iter().zip(row.chars()) {
                let found = match problem(story_type, state, None, true, false) {
                    None => '+',
                    Some(problem) if problem.text.ends_with("must be estimated.") => 'e',
                    Some(_) => '-',
                };
                assert_eq!(found, expected, "{story_type:?} {state:?}");
            }
        }
    }

    #[test]
    fn manual_planning_allows_planned() {
        assert_eq!(problem(StoryType::Feature, State::Planned, None, false, false), None);
        assert_eq!(problem(StoryType::Release, State::Planned, None, false, false), None);
    }

    #[test]
    fn type_changes_find_a_state() {
        for story_type in StoryType::ALL {
            for state in State::ALL {
                assert!(story_type.allows(story_type.nearest(state), false), "{story_type:?} {state:?}");
            }
        }
    }
}
