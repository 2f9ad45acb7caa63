//! The steps of a canary deployment.

/// How many new and old instances there are while a step waits to be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// New ones.
    pub new: i64,
    /// Old ones.
    pub old: i64,
}

/// The steps of a deployment to `target` instances in place of `original` ones. Without weights there is one: a single new
/// instance beside all old ones. A weight is the share of new instances in percent; one old instance more than the rest
/// stays until it is continued, so that what is out of order with the new ones does not cost capacity.
pub fn steps(weights: Option<&[i64]>, original: i64, target: i64) -> Vec<Step> {
    let Some(weights) = weights else { return vec![Step { new: 1, old: original }] };
    let step = |weight: &i64| {
        // Half a percent rounds up.
        let new = ((target * weight * 2 + 100) / 200).clamp(1, target.max(1));
        let old = if *weight >= 100 { 0 } else { (original - new + 1).max(0) };
        Step { new, old }
    };
    weights.iter().map(step).collect()
}

/// Says what is wrong with weights: each 1 to 100, in rising order.
pub fn check(weights: &[i64]) -> Result<(), String> {
    if weights.is_empty() {
        return Err("Options canary steps must be a list with at least one step".into());
    }
    if weights.iter().any(|weight| !(1..=100).contains(weight)) {
        return Err("Options canary steps instance_weight must be an integer between 1-100 (inclusive)".into());
    }
    if !weights.is_sorted() {
        return Err("Options canary steps instance_weight must be sorted in ascending order".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_instances() {
        let step = |new, old| Step { new, old };
        assert_eq!(steps(None, 4, 4), [step(1, 4)]);
        assert_eq!(steps(Some(&[1, 20, 50, 100]), 10, 10), [step(1, 10), step(2, 9), step(5, 6), step(10, 0)]);
        assert_eq!(steps(Some(&[10, 90]), 1, 1), [step(1, 1), step(1, 1)]);
        assert_eq!(steps(Some(&[50]), 2, 6), [step(3, 0)]);
    }

    #[test]
    fn weights_rise() {
        for (weights, good) in
            [(&[1, 1, 100][..], true), (&[20], true), (&[], false), (&[0], false), (&[101], false), (&[50, 20], false)]
        {
            assert_eq!(check(weights).is_ok(), good, "{weights:?}");
        }
    }
}
