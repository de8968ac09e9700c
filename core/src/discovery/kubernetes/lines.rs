//! A watch's body, cut into its lines: one event each.

use super::failure::Failure;

/// What came of a watch and wasn't cut yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    /// How much of it was searched without finding an end.
    searched: usize,
}

impl Lines {
    /// Takes in a piece.
    ///
    /// # Errors
    ///
    /// If a line is longer than an object can be.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if self.rest.len() + piece.len() > LONGEST {
            let mib = LONGEST >> 20;
            return Err(Failure::Garbled(format!("an event is longer than {mib} MiB")));
        }
        self.rest.extend_from_slice(piece);
        Ok(())
    }

    /// The next whole line, without its end. Empty ones are left out.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.rest[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.rest.len();
                return None;
            };
            let after = self.rest.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.rest, after);
            self.searched = 0;
            line.pop();
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

/// The store takes objects of 1.5 MiB; as JSON they are some times longer, and several come at once.
const LONGEST: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let text = b"one\n\ntwo\nthree";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece).expect("short");
                found.extend(std::iter::from_fn(|| lines.next()));
            }

            assert_eq!(found, [b"one".to_vec(), b"two".to_vec()], "pieces of {size}");
            lines.push(b"\n").expect("short");
            assert_eq!(lines.next(), Some(b"three".to_vec()));
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1 << 20];

        let refused = (0..17).find_map(|_| lines.push(&piece).err());

        assert_eq!(refused, Some(Failure::Garbled("an event is longer than 16 MiB".to_owned())));
    }
}
