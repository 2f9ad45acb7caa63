//! What commit messages say of stories (reference, section 11.2): `[#12]`, `[fixes #12 #13]`, `[#12 finished]`.

use crate::model::story::{State, StoryType};

/// What a commit does to a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is named: what was not begun is begun.
    Mention,
    /// It is written.
    Finish,
    /// It can be tried.
    Deliver,
}

impl Verb {
    /// The state that a story comes into; none: it stays.
    pub fn state(self, story_type: StoryType, state: State) -> Option<State> {
        let wanted = match self {
            Self::Mention => match state {
                State::Unscheduled | State::Unstarted | State::Planned => State::Started,
                _ => return None,
            },
            // A chore that is finished is done.
            Self::Finish if story_type == StoryType::Chore => State::Accepted,
            Self::Finish => State::Finished,
            Self::Deliver => State::Delivered,
        };
        (wanted != state && story_type.allows(wanted, true)).then_some(wanted)
    }
}

/// Stories in the first bracket group that names any, each with its verb.
pub fn read(message: &str) -> Vec<(i64, Verb)> {
    for (open, _) in message.match_indices('[') {
        let Some(close) = message[open..].find(']') else { break };
        let found = group(&message[open + 1..open + close]);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn group(text: &str) -> Vec<(i64, Verb)> {
    let (mut ids, mut verb): (Vec<i64>, Verb) = (Vec::new(), Verb::Mention);
    for word in text.split(|char: char| !char.is_alphanumeric() && char != '#').filter(|word| !word.is_empty()) {
        match word.strip_prefix('#') {
            Some(digits) => match digits.parse::<i64>() {
                Ok(id) if !ids.contains(&id) => ids.push(id),
                _ => {}
            },
            None => match word.to_lowercase().as_str() {
                "fix" | "fixes" | "fixed" | "complete" | "completes" | "completed" | "finish" | "finishes"
                | "finished" => {
                    verb = Verb::Finish;
                }
                "deliver" | "delivers" | "delivered" => verb = Verb::Deliver,
                _ => {}
            },
        }
    }
    ids.into_iter().map(|id| (id, verb)).collect()
}

/// Where a commit is, by its address.
pub fn host(url: &str) -> &'static str {
    let host = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    ["github", "gitlab", "bitbucket"].into_iter().find(|known| host.contains(known)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        use Verb::{Deliver, Finish, Mention};
        for (message, expected) in [
            ("[#12] say it", vec![(12, Mention)]),
            ("say it [#12 #13]", vec![(12, Mention), (13, Mention)]),
            ("[fixes #12] x", vec![(12, Finish)]),
            ("[#12 finished]", vec![(12, Finish)]),
            ("[Delivers #12 #13] x", vec![(12, Deliver), (13, Deliver)]),
            ("[(Finishes|Fixes) #12]", vec![(12, Finish)]),
            ("[COMPLETED #1]", vec![(1, Finish)]),
            ("no story #12", vec![]),
            ("[wip] then [#4]", vec![(4, Mention)]),
            ("[#x] [", vec![]),
        ] {
            assert_eq!(read(message), expected, "{message}");
        }
        assert_eq!(host("https://github.com/a/b/commit/1"), "github");
        assert_eq!(Finish.state(StoryType::Chore, State::Started), Some(State::Accepted));
        assert_eq!(Deliver.state(StoryType::Chore, State::Started), None);
        assert_eq!(Mention.state(StoryType::Bug, State::Accepted), None);
    }
}
