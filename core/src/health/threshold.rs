//! Rise and fall: how many results in a row it takes to change one's mind. Pure.
//!
//! One lost packet must not take an endpoint out, and one lucky answer must not bring it back. The
//! very first result decides alone, since there is no mind yet to be changed.

use super::{Grade, Health};
use crate::endpoint::HealthStatus;

/// What the checks of one endpoint have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threshold {
    status: HealthStatus,
    passed: u32,
    failed: u32,
}

/// What one more result changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// The status before.
    pub before: HealthStatus,
    /// The status now.
    pub status: HealthStatus,
    /// True if the last results speak against the status, but not yet often enough.
    pub is_in_transition: bool,
}

impl Judged {
    /// Before and after, if the status changed.
    #[must_use]
    pub fn changed(&self) -> Option<(HealthStatus, HealthStatus)> {
        (self.before != self.status).then_some((self.before, self.status))
    }
}

impl Threshold {
    /// The status now; unknown before the first result.
    #[must_use]
    pub const fn status(&self) -> HealthStatus {
        self.status
    }

    /// Takes in one more result.
    ///
    /// A degraded endpoint works, so its result counts as passed; between healthy and degraded the
    /// last result decides, since traffic flows in both.
    pub fn judge(&mut self, grade: Grade, rules: &Health) -> Judged {
        let before = self.status;
        let passing = match grade {
            Grade::Degraded => HealthStatus::Degraded,
            _ => HealthStatus::Healthy,
        };
        if grade == Grade::Bad {
            (self.passed, self.failed) = (0, self.failed.saturating_add(1));
        } else {
            (self.passed, self.failed) = (self.passed.saturating_add(1), 0);
        }
        self.status = match (before, grade) {
            (HealthStatus::Unknown, Grade::Bad) => HealthStatus::Unhealthy,
            (HealthStatus::Unhealthy, _) if self.passed < rules.rise.max(1) => before,
            (_, Grade::Bad) if self.failed < rules.fall.max(1) => before,
            (_, Grade::Bad) => HealthStatus::Unhealthy,
            _ => passing,
        };
        let is_down = self.status == HealthStatus::Unhealthy;
        let against = if is_down { self.passed } else { self.failed };
        Judged { before, status: self.status, is_in_transition: against > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(grades: &[Grade]) -> Vec<(HealthStatus, bool)> {
        let mut threshold = Threshold::default();
        let rules = Health::default();
        let judged = grades.iter().map(|grade| threshold.judge(*grade, &rules));
        judged.map(|judged| (judged.status, judged.is_in_transition)).collect()
    }

    use Grade::{Bad, Degraded as Spared, Good};
    use HealthStatus::{Degraded, Healthy, Unhealthy};

    #[test]
    fn the_first_result_decides() {
        assert_eq!(run(&[Good]), [(Healthy, false)]);
        assert_eq!(run(&[Bad]), [(Unhealthy, false)]);
        assert_eq!(run(&[Spared]), [(Degraded, false)]);
    }

    #[test]
    fn three_bad_results_in_a_row_make_a_healthy_endpoint_unhealthy() {
        assert_eq!(
            run(&[Good, Bad, Bad, Good, Bad, Bad, Bad]),
            [
                (Healthy, false),
                (Healthy, true),
                (Healthy, true),
                (Healthy, false),
                (Healthy, true),
                (Healthy, true),
                (Unhealthy, false),
            ]
        );
    }

    #[test]
    fn two_good_results_in_a_row_bring_it_back() {
        assert_eq!(
            run(&[Bad, Good, Bad, Good, Good]),
            [
                (Unhealthy, false),
                (Unhealthy, true),
                (Unhealthy, false),
                (Unhealthy, true),
                (Healthy, false),
            ]
        );
    }

    #[test]
    fn a_degraded_result_counts_as_passed_and_moves_a_working_endpoint_at_once() {
        assert_eq!(
            run(&[Bad, Good, Spared, Good, Spared]),
            [
                (Unhealthy, false),
                (Unhealthy, true),
                (Degraded, false),
                (Healthy, false),
                (Degraded, false),
            ]
        );
    }

    #[test]
    fn thresholds_of_0_and_1_let_every_result_decide() {
        for limit in [0, 1] {
            let rules = Health { rise: limit, fall: limit, ..Health::default() };
            let mut threshold = Threshold::default();

            let found = [Good, Bad, Good].map(|grade| threshold.judge(grade, &rules).status);

            assert_eq!(found, [Healthy, Unhealthy, Healthy]);
        }
    }
}
