//! The ACL token: a text, or a file that something else rotates.
//!
//! A file is read at every request, which is about once a minute for each watched service: a token
//! that was exchanged is in use at the next one. While the file can't be read or is empty, as it is in
//! the middle of a rotation, the token of before goes on.

use std::path::{Path, PathBuf};

use crate::lock::Lock;
use crate::secret::Secret;

/// Where the token comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// None is sent.
    None,
    /// It is known.
    Text(Secret),
    /// It is in this file.
    File(PathBuf),
}

/// The token in use.
#[derive(Debug)]
pub(super) struct Token {
    source: Source,
    /// Guards the last good content of the file.
    held: Lock<Option<Secret>>,
}

impl Token {
    pub(super) fn new(source: Source) -> Self {
        Self { source, held: Lock::default() }
    }

    /// The token now; the error says what is wrong with the file, if no token was ever in it.
    pub(super) async fn now(&self) -> Result<Option<Secret>, String> {
        let path = match &self.source {
            Source::None => return Ok(None),
            Source::Text(token) => return Ok(Some(token.clone())),
            Source::File(path) => path,
        };
        let read = tokio::fs::read_to_string(path).await.map_err(|error| error.to_string());
        let mut held = self.held.lock();
        match read.and_then(|text| parse(&text)) {
            Ok(token) => *held = Some(token),
            Err(reason) if held.is_none() => return Err(fault(path, &reason)),
            Err(_) => {}
        }
        Ok(held.clone())
    }
}

fn parse(text: &str) -> Result<Secret, String> {
    let token = text.trim();
    let is_header = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_header.then(|| Secret::new(token)).ok_or_else(|| "must hold one token".to_owned())
}

fn fault(path: &Path, reason: &str) -> String {
    format!("token_file {}: {reason}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(parse(" s3cret\n").expect("a token").reveal(), "s3cret");
        for text in ["", "\n", "two words", "a\u{e9}"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_empty_for_a_moment_leaves_the_token_as_it_was() {
        let name = format!("failover-token-{}-{:p}", std::process::id(), &0);
        let path = std::env::temp_dir().join(name);
        let token = Token::new(Source::File(path.clone()));

        let missing = token.now().await.expect_err("there is no file");
        std::fs::write(&path, "one\n").expect("a writable folder");
        let one = token.now().await.expect("a token");
        std::fs::write(&path, "").expect("a writable folder");
        let still = token.now().await.expect("a token");
        std::fs::write(&path, "two").expect("a writable folder");
        let two = token.now().await.expect("a token");
        std::fs::remove_file(&path).expect("it is there");

        assert!(missing.starts_with("token_file "), "{missing}");
        let shown = [one, still, two].map(|token| token.expect("a token").reveal().to_owned());
        assert_eq!(shown, ["one", "one", "two"]);
    }
}
