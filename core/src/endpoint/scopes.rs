//! How one endpoint does in each scope: a state of its own for each, made when it is first used there.
//!
//! A breaker is a status word, a few times and a window, all of which an endpoint's state is made of
//! anyway; so a scope has one of the same kind, and one breaker serves both. Of a scope's state only
//! what attempts say is used: the program's word, checks and providers speak of the whole endpoint.
//! The table never shrinks while its endpoint lives, and reading it takes no lock.

use once_cell::race::OnceBox;

use super::{EndpointState, Scope};

/// The scopes of one endpoint.
#[derive(Debug)]
pub(super) struct Scopes {
    places: [OnceBox<Place>; EndpointState::MOST_SCOPES],
}

#[derive(Debug)]
struct Place {
    scope: Scope,
    state: EndpointState,
}

impl Scopes {
    pub(super) const fn new() -> Self {
        Self { places: [const { OnceBox::new() }; EndpointState::MOST_SCOPES] }
    }

    /// The state of a scope that was used here before.
    pub(super) fn find(&self, scope: Scope) -> Option<&EndpointState> {
        // The first free place ends the search: none is ever freed.
        let mut near = self.near(scope).map_while(OnceBox::get);
        near.find(|place| place.scope == scope).map(|place| &place.state)
    }

    /// The state of a scope; if it is new here, that which `make` makes. `None` if there is no room.
    pub(super) fn find_or_add(
        &self,
        scope: Scope,
        make: impl Fn() -> EndpointState,
    ) -> Option<&EndpointState> {
        let add = || Box::new(Place { scope, state: make() });
        let mut near = self.near(scope).map(|place| place.get_or_init(add));
        near.find(|place| place.scope == scope).map(|place| &place.state)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Scope, &EndpointState)> {
        self.places.iter().filter_map(OnceBox::get).map(|place| (place.scope, &place.state))
    }

    /// Every place, from the one on where the scope is looked for first.
    fn near(&self, scope: Scope) -> impl Iterator<Item = &OnceBox<Place>> {
        let first = usize::from(scope.code()) % self.places.len();
        self.places[first..].iter().chain(&self.places[..first])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_state_of_its_own_until_there_is_no_room() {
        let scopes = Scopes::new();
        let state = |code| {
            let found = scopes.find_or_add(Scope::from_code(code), || EndpointState::new(1));
            found.map(std::ptr::from_ref)
        };

        // All of the first want the same place.
        let first: Vec<_> = (1..=64).map(|number| state(number * 64).unwrap()).collect();

        let again: Vec<_> = (1..=64).map(|number| state(number * 64).unwrap()).collect();
        assert_eq!(first, again);
        let different: std::collections::HashSet<_> = first.iter().collect();
        assert_eq!(different.len(), 64);
        assert_eq!(state(1), None, "one more than there is room for");
        assert!(scopes.find(Scope::from_code(1)).is_none());
        assert_eq!(scopes.iter().count(), 64);
    }
}
