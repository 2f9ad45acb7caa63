//! How long stories were in which state (reference, section 2.2 and 16).

use crate::model::story::State;
use serde_json::{Value, json};

/// Times in microseconds, and how often a state was entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// From the first state in progress to the last acceptance, or now; none: never begun.
    pub total: Option<i64>,
    /// Started, finished, delivered, rejected: time and count.
    pub states: [(i64, i64); 4],
}

/// From a story's transitions in their order.
pub fn details(transitions: &[(State, i64)], now: i64) -> Details {
    let mut details = Details::default();
    let begun = transitions.iter().find(|(state, _)| state.is_in_progress()).map(|(_, at)| *at);
    let accepted = match transitions.last() {
        Some((State::Accepted, at)) => Some(*at),
        _ => None,
    };
    details.total = begun.map(|begun| (accepted.unwrap_or(now) - begun).max(0));
    for (index, (state, at)) in transitions.iter().enumerate() {
        if let Some(slot) = STATES.iter().position(|known| known == state) {
            let until = transitions.get(index + 1).map_or(now, |(_, next)| *next);
            details.states[slot].0 += (until - at).max(0);
            details.states[slot].1 += 1;
        }
    }
    details
}

const STATES: [State; 4] = [State::Started, State::Finished, State::Delivered, State::Rejected];

impl Details {
    /// As answered, in milliseconds.
    pub fn json(&self, story: i64) -> Value {
        let mut json = json!({ "kind": "cycle_time_details", "story_id": story });
        if let Some(total) = self.total {
            json["total_cycle_time"] = json!(total / 1000);
        }
        for (state, (time, count)) in STATES.iter().zip(self.states) {
            json[format!("{}_time", state.as_str())] = json!(time / 1000);
            json[format!("{}_count", state.as_str())] = json!(count);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_first_counts_from_there() {
        let story = [(State::Unstarted, 0), (State::Rejected, 10), (State::Started, 30), (State::Accepted, 100)];
        let details = details(&story, 1000);
        assert_eq!(details.total, Some(90));
        assert_eq!(details.states, [(70, 1), (0, 0), (0, 0), (20, 1)]);
        assert_eq!(super::details(&[(State::Unstarted, 0)], 5).total, None);
    }
}
