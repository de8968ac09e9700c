//! The index of a blocking query: what to ask beyond, and when to begin anew.
//!
//! The rules are Consul's own (<https://developer.hashicorp.com/consul/api-docs/features/blocking>), and
//! each is there because clients without it broke: an index that goes back means other data (a
//! restored snapshot, another server), and an index of 0 would turn waiting into asking without end.

/// How far a watch has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Index(Option<u64>);

/// What an answer's index says of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It is newer than the one before, or as new.
    Onward,
    /// It is older: what it says is to be asked for again, without an index.
    Backward,
}

impl Index {
    /// What to ask beyond; nothing asks for an answer at once.
    pub(super) const fn asked(self) -> Option<u64> {
        self.0
    }

    /// Takes in the index of a good answer, 0 for none.
    pub(super) fn take(&mut self, index: u64) -> Course {
        let index = index.max(1);
        if self.0.is_some_and(|before| index < before) {
            self.reset();
            return Course::Backward;
        }
        self.0 = Some(index);
        Course::Onward
    }

    /// Asks for an answer at once next: the agent may be another one by then.
    pub(super) const fn reset(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_question_is_answered_at_once_and_the_next_waits() {
        let mut index = Index::default();
        assert_eq!(index.asked(), None);

        assert_eq!(index.take(7), Course::Onward);
        assert_eq!(index.asked(), Some(7));
        assert_eq!(index.take(7), Course::Onward);

        index.reset();
        assert_eq!(index.asked(), None);
    }

    #[test]
    fn an_index_that_goes_back_begins_anew_and_the_next_answer_counts() {
        let mut index = Index::default();
        assert_eq!(index.take(158), Course::Onward);

        assert_eq!(index.take(148), Course::Backward);
        assert_eq!(index.asked(), None);
        assert_eq!(index.take(148), Course::Onward);
        assert_eq!(index.asked(), Some(148));
    }

    proptest! {
        #[test]
        fn whatever_comes_no_question_asks_beyond_0_and_none_is_refused_twice(
            indices in proptest::collection::vec(0_u64..4, 1..40)
        ) {
            let mut index = Index::default();
            let mut was_backward = false;
            for one in indices {
                let is_backward = index.take(one) == Course::Backward;

                prop_assert!(!(was_backward && is_backward));
                prop_assert_ne!(index.asked(), Some(0));
                was_backward = is_backward;
            }
        }
    }
}
