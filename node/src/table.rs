//! Calls and leases by numbers that JavaScript can hold.

/// Numbered places that are used again.
pub(crate) struct Table<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// Puts a value into a free place. It is made there, since a call is large.
    #[expect(clippy::inline_always, reason = "a call would be moved twice on its way")]
    #[inline(always)]
    pub(crate) fn put(&mut self, make: impl FnOnce() -> T) -> u32 {
        let at = self.free.pop().unwrap_or_else(|| self.grow());
        if let Some(place) = self.places.get_mut(at as usize) {
            *place = Some(make());
        }
        at
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        self.places.push(None);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    #[inline]
    pub(crate) fn at(&mut self, at: u32) -> Option<&mut T> {
        self.places.get_mut(at as usize)?.as_mut()
    }

    /// Empties a place without moving what was there.
    #[inline]
    pub(crate) fn clear(&mut self, at: u32) {
        if let Some(place @ Some(_)) = self.places.get_mut(at as usize) {
            *place = None;
            self.free.push(at);
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, at: u32) -> Option<T> {
        let taken = self.places.get_mut(at as usize)?.take()?;
        self.free.push(at);
        Some(taken)
    }

    /// Whatever is there.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }
}
