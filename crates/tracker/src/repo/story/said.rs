//! What happened to a story, in a sentence: state before estimate before everything else.

use crate::ApiError;
use crate::model::points;
use crate::model::story::{Panel, State};
use crate::repo::record;
use crate::repo::story::{Story, Whole};
use store::Tx;

/// The words of an activity.
pub(super) struct Said {
    /// Of its kind: `story` or `comment`.
    pub subject: &'static str,
    /// Of its kind: `update`, `move`, `create`.
    pub verb: &'static str,
    /// After the person's name.
    pub message: String,
    /// The verb as people say it.
    pub highlight: String,
}

/// What happened, beside the change itself.
pub(super) struct Told<'a> {
    /// How many of the story's own fields are new.
    pub fields: usize,
    /// Did somebody want it elsewhere?
    pub placed: bool,
    /// What was said to it.
    pub comment: Option<&'a str>,
    /// The stories above and below it now.
    pub stands: (Option<i64>, Option<i64>),
}

/// The words for a story that was `old` and is `whole`.
pub(super) fn said(tx: &mut Tx<'_>, old: &Story, whole: &Whole, told: &Told<'_>) -> Result<Said, ApiError> {
    let story = &whole.story;
    let kind = story.story_type.as_str();
    let say = |verb, message: String, highlight: &str| {
        Ok(Said { subject: "story", verb, message, highlight: highlight.into() })
    };
    let entered = story.current_state != old.current_state;
    let only_moved = told.placed && (told.fields == 0 || (told.fields == 1 && entered));
    if only_moved && (told.fields == 0 || old.panel != story.panel || old.current_state == State::Planned) {
        let beside = match told.stands {
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
        if let Some(text) = told.comment {
            message.push_str(&format!(" with comments: \"{text}\""));
        }
        return say("update", message, verb);
    }
    if told.fields == 0 {
        return Ok(commented(told.comment));
    }
    if let Some(estimate) = story.estimate.filter(|_| story.estimate != old.estimate) {
        let unit = if estimate == 1.0 { "point" } else { "points" };
        return say("update", format!("estimated this {kind} as {} {unit}", points::show(estimate)), "estimated");
    }
    say("update", format!("edited this {kind}"), "edited")
}

fn commented(text: Option<&str>) -> Said {
    let message = format!("added comment: \"{}\"", text.unwrap_or_default());
    Said { subject: "comment", verb: "create", message, highlight: "added comment:".into() }
}

fn same_list(tx: &mut Tx<'_>, story: &Story, other: Option<i64>) -> Result<bool, ApiError> {
    let Some(id) = other else { return Ok(false) };
    let other: Option<Story> = record::find(tx, id)?;
    Ok(other.is_some_and(|other| other.panel == story.panel))
}
