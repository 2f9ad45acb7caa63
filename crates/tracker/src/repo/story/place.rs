//! Where stories stand: one order a project (reference, section 4).

use crate::ApiError;
use crate::model::rank;
use crate::model::story::{Panel, State};
use crate::repo::record;
use crate::repo::story::Story;
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};
use store::{FromRow, Row, StoreError, Tx};

/// Which list is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Current and Backlog.
    Scheduled,
    /// The Icebox.
    Unscheduled,
    /// Current; where planning is manual, a story that is put there is planned.
    Current,
}

impl Group {
    /// From `scheduled`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "scheduled" => Some(Self::Scheduled),
            "unscheduled" => Some(Self::Unscheduled),
            "current" => Some(Self::Current),
            _ => None,
        }
    }
}

/// Where a story is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Directly above this story. `Some(None)`: at the end.
    pub before: Option<Option<i64>>,
    /// Directly below this one. `Some(None)`: at the top.
    pub after: Option<Option<i64>>,
    /// In this list.
    pub group: Option<Group>,
}

impl Wanted {
    /// Was anything said?
    pub fn is_given(self) -> bool {
        self.before.is_some() || self.after.is_some() || self.group.is_some()
    }
}

/// A place in a list: what stands above and below it there.
#[derive(Debug, Clone, Copy)]
struct Gap {
    above: Option<i64>,
    below: Option<i64>,
}

/// Id and position.
struct Spot {
    id: i64,
    position: i64,
}

impl FromRow for Spot {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.at(0)?, position: row.at(1)? })
    }
}

/// The stories of one list but the one that moves.
#[derive(Debug, Clone, Copy)]
struct List {
    project: i64,
    panel: Panel,
    moving: i64,
}

impl List {
    fn select(self) -> SelectStatement {
        Query::select()
            .columns(["id", "position"])
            .from("story")
            .and_where(Expr::col("project_id").eq(self.project))
            .and_where(Expr::col("panel").eq(self.panel as i16))
            .and_where(Expr::col("id").ne(self.moving))
            .to_owned()
    }

    fn above(self, tx: &mut Tx<'_>, position: i64) -> Result<Option<i64>, StoreError> {
        let spot: Option<Spot> = tx.row(
            self.select().and_where(Expr::col("position").lt(position)).order_by("position", Order::Desc).limit(1),
        )?;
        Ok(spot.map(|spot| spot.position))
    }

    fn below(self, tx: &mut Tx<'_>, position: i64) -> Result<Option<i64>, StoreError> {
        let spot: Option<Spot> = tx.row(
            self.select().and_where(Expr::col("position").gt(position)).order_by("position", Order::Asc).limit(1),
        )?;
        Ok(spot.map(|spot| spot.position))
    }

    fn top(self, tx: &mut Tx<'_>) -> Result<Gap, StoreError> {
        let first: Option<Spot> = tx.row(self.select().order_by("position", Order::Asc).limit(1))?;
        Ok(Gap { above: None, below: first.map(|spot| spot.position) })
    }

    fn bottom(self, tx: &mut Tx<'_>) -> Result<Gap, StoreError> {
        let last: Option<Spot> = tx.row(self.select().order_by("position", Order::Desc).limit(1))?;
        Ok(Gap { above: last.map(|spot| spot.position), below: None })
    }

    /// The position of the lowest story in progress.
    fn last_in_progress(self, tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
        let states = State::IN_PROGRESS.map(State::as_str);
        let last: Option<Option<i64>> = tx.value(
            Query::select()
                .expr(Func::max(Expr::col("position")))
                .from("story")
                .and_where(Expr::col("project_id").eq(self.project))
                .and_where(Expr::col("current_state").is_in(states))
                .and_where(Expr::col("id").ne(self.moving)),
        )?;
        Ok(last.flatten())
    }

    /// Directly below what is in progress, above the first story that is not.
    fn border(self, tx: &mut Tx<'_>) -> Result<Gap, StoreError> {
        match self.last_in_progress(tx)? {
            None => self.top(tx),
            Some(last) => Ok(Gap { above: Some(last), below: self.below(tx, last)? }),
        }
    }

    /// A position in the gap; neighbours are moved apart if there is none.
    fn position(self, tx: &mut Tx<'_>, gap: Gap) -> Result<i64, StoreError> {
        if let Some(position) = rank::between(gap.above, gap.below) {
            return Ok(position);
        }
        let all: Vec<Spot> = tx.rows(self.select().order_by("position", Order::Asc))?;
        let ranks: Vec<i64> = all.iter().map(|spot| spot.position).collect();
        let place = gap.above.map_or(0, |above| ranks.partition_point(|rank| *rank <= above));
        let (position, changed) = rank::spread(&ranks, place);
        for (index, rank) in changed {
            tx.exec(
                Query::update().table("story").value("position", rank).and_where(Expr::col("id").eq(all[index].id)),
            )?;
        }
        Ok(position)
    }
}

/// The position of a story that comes into `state` and has no wanted place: accepted ones by time, those of the Icebox on
/// top, the others directly below what is in progress.
pub fn usual(tx: &mut Tx<'_>, story: &Story) -> Result<i64, StoreError> {
    let list = List { project: story.project_id, panel: story.current_state.panel(), moving: story.id };
    let gap = match list.panel {
        Panel::Accepted => return Ok(story.accepted_at.unwrap_or_default()),
        Panel::Icebox => list.top(tx)?,
        Panel::Scheduled => list.border(tx)?,
    };
    list.position(tx, gap)
}

/// The list and position of a story that is wanted somewhere. Its state is the one it will have: for certain if it `keeps` it,
/// else unless the list says otherwise. None: it stays.
pub fn wanted(tx: &mut Tx<'_>, story: &Story, wanted: Wanted, keeps: bool) -> Result<Option<(Panel, i64)>, ApiError> {
    let before = neighbour(tx, story, "before_id", wanted.before.flatten())?;
    let after = neighbour(tx, story, "after_id", wanted.after.flatten())?;
    let own = story.current_state.panel();
    if own == Panel::Accepted {
        let (above, below) = neighbours(tx, story)?;
        let moves = |wanted: Option<Option<i64>>, stands| wanted.flatten().is_some() && wanted != Some(stands);
        // One that becomes accepted just now leaves the neighbours it is sent back with.
        if story.panel == Panel::Accepted && (moves(wanted.before, below) || moves(wanted.after, above)) {
            let text = "Accepted stories are ordered by the time of their acceptance and cannot be moved.";
            return Err(ApiError::invalid(text));
        }
        return Ok(None);
    }
    let panel_of = |story: &Option<Story>| story.as_ref().map(|story| story.panel.max(Panel::Scheduled));
    let panel = match (wanted.group, panel_of(&before), panel_of(&after)) {
        _ if keeps => own,
        (Some(Group::Unscheduled), ..) => Panel::Icebox,
        (Some(_), ..) => Panel::Scheduled,
        // Between the last of the Backlog and the first of the Icebox: it stays on its side.
        (None, Some(before), Some(after)) if before != after => own,
        // At the very end, or top, of all: there the other list may be empty.
        (None, None, Some(after)) if wanted.before == Some(None) => own.max(after),
        (None, Some(before), None) if wanted.after == Some(None) => own.min(before),
        (None, Some(panel), _) | (None, None, Some(panel)) => panel,
        (None, None, None) => own,
    };
    let list = List { project: story.project_id, panel, moving: story.id };
    let here = |story: &Option<Story>| story.as_ref().filter(|story| story.panel == panel).map(|story| story.position);
    let gap = match (here(&before), here(&after)) {
        // Neighbours that are none any more: the one below counts.
        (Some(below), _) => Gap { above: list.above(tx, below)?, below: Some(below) },
        (None, Some(above)) => Gap { above: Some(above), below: list.below(tx, above)? },
        // Only neighbours in another list: the near end of this one.
        (None, None) => match before.or(after).map(|story| story.panel) {
            Some(other) if other > panel => list.bottom(tx)?,
            Some(_) => list.top(tx)?,
            None if wanted.after == Some(None) => list.top(tx)?,
            None if wanted.before == Some(None) => list.bottom(tx)?,
            // Only a list was named: if it is the story's own, nothing moves.
            None if panel == own => return Ok(None),
            None if panel == Panel::Icebox => list.top(tx)?,
            None => list.border(tx)?,
        },
    };
    let gap = if panel == Panel::Scheduled { clamped(tx, list, story, gap)? } else { gap };
    // It stands there already.
    if own == panel && story.panel == panel && gap.above.is_none_or(|above| above < story.position) {
        let stays = gap.below.is_none_or(|below| story.position < below);
        if stays {
            return Ok(None);
        }
    }
    Ok(Some((panel, list.position(tx, gap)?)))
}

/// What is not begun does not stand above what is in progress, nor the other way round.
fn clamped(tx: &mut Tx<'_>, list: List, story: &Story, gap: Gap) -> Result<Gap, StoreError> {
    let last = list.last_in_progress(tx)?;
    let in_progress = story.current_state.is_in_progress();
    let above_it = last.is_some_and(|last| gap.above.is_none_or(|above| above < last));
    let below_others = gap.above.is_some() && last.is_none_or(|last| gap.above > Some(last));
    if (!in_progress && above_it) || (in_progress && below_others) { list.border(tx) } else { Ok(gap) }
}

fn neighbour(tx: &mut Tx<'_>, story: &Story, name: &str, id: Option<i64>) -> Result<Option<Story>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found: Option<Story> = record::find(tx, id)?;
    match found.filter(|found| found.project_id == story.project_id && found.id != story.id) {
        Some(found) => Ok(Some(found)),
        None => Err(ApiError::invalid_field(name, format!("Story {id} is no other story of this project."))),
    }
}

/// Ids of the stories directly above (`after_id`) and below (`before_id`) in the project's whole order.
pub fn neighbours(tx: &mut Tx<'_>, story: &Story) -> Result<(Option<i64>, Option<i64>), StoreError> {
    Ok((beside(tx, story, Order::Desc)?, beside(tx, story, Order::Asc)?))
}

fn beside(tx: &mut Tx<'_>, story: &Story, order: Order) -> Result<Option<i64>, StoreError> {
    let down = order == Order::Asc;
    let (panel, position, id) = (story.panel as i16, story.position, story.id);
    let select = || {
        Query::select().column("id").from("story").and_where(Expr::col("project_id").eq(story.project_id)).to_owned()
    };
    // Positions in a list are unique, but for stories accepted at one moment.
    let (at, same, beyond) = (Expr::col("position"), Expr::col("id"), Expr::col("position"));
    let (at, further) = match down {
        true => (at.gte(position), beyond.gt(position).or(same.gt(id))),
        false => (at.lte(position), beyond.lt(position).or(same.lt(id))),
    };
    let near: Option<i64> = tx.value(
        select()
            .and_where(Expr::col("panel").eq(panel))
            .and_where(at)
            .and_where(further)
            .order_by("position", order.clone())
            .order_by("id", order.clone())
            .limit(1),
    )?;
    if near.is_some() {
        return Ok(near);
    }
    let other = if down { Expr::col("panel").gt(panel) } else { Expr::col("panel").lt(panel) };
    tx.value(
        select()
            .and_where(other)
            .order_by("panel", order.clone())
            .order_by("position", order.clone())
            .order_by("id", order)
            .limit(1),
    )
}
