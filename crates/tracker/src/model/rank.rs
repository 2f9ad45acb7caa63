//! The numbers by which the stories of one list are ordered.
//!
//! A story that is put between two others gets a number between theirs. Where there is none left, the numbers of as few
//! neighbours as possible are spread anew: windows of doubling size round the place, until one is thin enough. So a move
//! writes one row nearly always, and a thousand moves to one place write a few rows each, whatever the list's length.
//!
//! Invariant: ranks of one list are unique and ascend in its order.

/// Between the first or last story and a new one beyond it. Eight million stories fit on either side.
const STEP: i64 = 1 << 40;
/// A window is thin enough if at least this much lies between its stories afterwards.
const THIN: i64 = 1 << 20;

/// A rank between `above` and `below`, none being an end of the list. None: there is no room, see [`spread`].
pub fn between(above: Option<i64>, below: Option<i64>) -> Option<i64> {
    match (above, below) {
        (None, None) => Some(0),
        (Some(above), None) => above.checked_add(STEP),
        (None, Some(below)) => below.checked_sub(STEP),
        (Some(above), Some(below)) => {
            let gap = i128::from(below) - i128::from(above);
            (gap >= 2).then(|| above + (gap / 2) as i64)
        }
    }
}

/// Makes room at `place` (0 to `ranks.len()`): the new rank of the story to be put there, and new ranks by index.
pub fn spread(ranks: &[i64], place: usize) -> (i64, Vec<(usize, i64)>) {
    let mut size = 4;
    loop {
        let from = place.saturating_sub(size / 2);
        let to = (place + size / 2).min(ranks.len());
        // The window may grow beyond an end of the list, where there is always room.
        let count = (to - from + 1) as i128;
        let low = match from {
            0 => i128::from(*ranks.first().unwrap_or(&0)) - count * i128::from(STEP),
            _ => i128::from(ranks[from - 1]),
        };
        let high = match to == ranks.len() {
            true => i128::from(*ranks.last().unwrap_or(&0)) + count * i128::from(STEP),
            false => i128::from(ranks[to]),
        };
        let gap = (high - low) / (count + 1);
        let whole = from == 0 && to == ranks.len();
        if gap >= i128::from(THIN) || whole {
            let rank = |index: i128| {
                let wanted = low + gap * (index + 1);
                // Only a list that was moved about in one direction for ages comes near the ends of the numbers.
                wanted.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
            };
            let mut changed = Vec::new();
            for (offset, index) in (from..to).enumerate() {
                let slot = if index < place { offset } else { offset + 1 };
                changed.push((index, rank(slot as i128)));
            }
            return (rank((place - from) as i128), changed);
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Puts story `id` at `place` of the list, as the repo does.
    fn put(list: &mut Vec<(u32, i64)>, id: u32, place: usize) -> usize {
        let above = place.checked_sub(1).map(|index| list[index].1);
        let below = list.get(place).map(|story| story.1);
        let (rank, changed) = match between(above, below) {
            Some(rank) => (rank, Vec::new()),
            None => spread(&list.iter().map(|story| story.1).collect::<Vec<_>>(), place),
        };
        for (index, rank) in &changed {
            list[*index].1 = *rank;
        }
        list.insert(place, (id, rank));
        changed.len()
    }

    fn ascending(list: &[(u32, i64)]) -> bool {
        list.windows(2).all(|pair| pair[0].1 < pair[1].1)
    }

    proptest! {
        /// Moves of any kind keep the order that a plain list has, and lose or double nothing.
        #[test]
        fn moves_are_those_of_a_plain_list(moves in prop::collection::vec((0..30_usize, 0..30_usize), 1..400)) {
            let mut plain: Vec<u32> = (0..30).collect();
            let mut list = Vec::new();
            for id in 0..30 {
                put(&mut list, id, id as usize);
            }
            for (from, to) in moves {
                let id = plain.remove(from);
                let to = to.min(plain.len());
                plain.insert(to, id);
                let (id, _) = list.remove(from);
                put(&mut list, id, to);
                prop_assert!(ascending(&list));
            }
            prop_assert_eq!(list.iter().map(|story| story.0).collect::<Vec<_>>(), plain);
        }
    }

    #[test]
    fn always_the_same_place() {
        let mut list = vec![(0, 0), (1, STEP)];
        let mut written = 0;
        for id in 2..20_000 {
            written += put(&mut list, id, 1);
            assert!(written == 0 || written < 20 * id as usize, "{written} rows written by {id} moves");
        }
        assert!(ascending(&list));
    }

    #[test]
    fn ends_have_room() {
        let mut list = Vec::new();
        for id in 0..2000 {
            put(&mut list, id, 0);
            let end = list.len();
            put(&mut list, id + 10_000, end);
        }
        assert!(ascending(&list));
    }
}
