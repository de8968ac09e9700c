//! The answer to a question for a service: its instances, each judged by itself.
//!
//! An instance that can't be used is left out, so that one bad registration doesn't cost the service. But
//! an answer none of whose instances can be used isn't an empty service, it is an error.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::Value;

use super::entry::{Entry, Names};
use super::options::Options;
use crate::endpoint::Endpoint;

/// The instances of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) endpoints: Vec<Endpoint>,
    /// Instances that can't be used.
    pub(super) skipped: usize,
    /// Why the first of them can't.
    pub(super) first_fault: Option<String>,
}

/// Reads the body of an answer; the error says what is wrong with all of it.
pub(super) fn parse(body: &[u8], service: &str, options: &Options) -> Result<Answer, String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let seed = Instances { service, options };
    let answer = seed.deserialize(&mut reader).and_then(|answer| reader.end().map(|()| answer));
    let answer = answer.map_err(|error| {
        // Not serde's own words: they may quote what the body holds.
        let what = if error.is_eof() { "ends too early" } else { "is no list of instances" };
        format!("the answer {what} (line {}, column {})", error.line(), error.column())
    })?;
    match &answer.first_fault {
        Some(fault) if answer.endpoints.is_empty() => {
            let skipped = answer.skipped;
            Err(format!("none of {skipped} instances can be used; {fault}"))
        }
        _ => Ok(answer),
    }
}

/// Reads the list one instance at a time: a whole document of a hundred megabytes takes many times that.
struct Instances<'a> {
    service: &'a str,
    options: &'a Options,
}

impl<'de> DeserializeSeed<'de> for Instances<'_> {
    type Value = Answer;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Answer, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Instances<'_> {
    type Value = Answer;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of instances")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Answer, A::Error> {
        let mut answer = Answer::default();
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let mut place = 0_usize;
        while let Some(value) = list.next_element::<Value>()? {
            match self.instance(value, place, &mut seen) {
                Ok(endpoint) => answer.endpoints.push(endpoint),
                Err(fault) => {
                    answer.skipped += 1;
                    answer.first_fault.get_or_insert(fault);
                }
            }
            place += 1;
        }
        Ok(answer)
    }
}

impl Instances<'_> {
    fn instance(
        &self,
        value: Value,
        place: usize,
        seen: &mut HashSet<Arc<str>>,
    ) -> Result<Endpoint, String> {
        let entry: Entry = serde_json::from_value(value)
            .map_err(|_| format!("instance {place} of the answer: is not one of Consul's"))?;
        // Two processes may have given their endpoints the same id.
        for names in [Names::Own, Names::Whole] {
            let endpoint = entry.endpoint(self.service, self.options, names)?;
            if seen.insert(Arc::clone(&endpoint.id)) {
                return Ok(endpoint);
            }
        }
        Err(format!("instance {place} of the answer: comes twice"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn instance(id: &str) -> Value {
        json!({
            "Node": { "Node": "n", "Address": "127.0.0.1", "Datacenter": "dc1" },
            "Service": { "ID": id, "Port": 80 },
            "Checks": []
        })
    }

    fn parsed(value: &Value) -> Result<Answer, String> {
        parse(value.to_string().as_bytes(), "s", &Options::default())
    }

    #[test]
    fn an_empty_list_is_an_empty_service() {
        assert_eq!(parsed(&json!([])), Ok(Answer::default()));
    }

    #[test]
    fn a_bad_instance_costs_none_of_the_others() {
        let mut portless = instance("portless");
        portless["Service"]["Port"] = json!(0);
        let list =
            json!([null, instance("a"), {"Node": 7}, portless, instance("a"), instance("b")]);

        let answer = parsed(&list).expect("two of them are good");

        let ids: Vec<&str> = answer.endpoints.iter().map(|endpoint| &*endpoint.id).collect();
        assert_eq!(ids, ["dc1/n/a", "dc1/n/b"]);
        assert_eq!(answer.skipped, 4);
        let fault = answer.first_fault.expect("there was one");
        assert_eq!(fault, "instance 0 of the answer: is not one of Consul's");
    }

    #[test]
    fn two_instances_that_were_given_the_same_id_are_two() {
        let mut list = json!([instance("a"), instance("b")]);
        for i in 0..2 {
            list[i]["Service"]["Meta"] = json!({"failover_id": "mine"});
        }

        let answer = parsed(&list).expect("both are good");

        let ids: Vec<&str> = answer.endpoints.iter().map(|endpoint| &*endpoint.id).collect();
        assert_eq!(ids, ["mine", "dc1/n/b"]);
    }

    #[test]
    fn a_list_of_nothing_but_bad_instances_is_no_empty_service() {
        let error = parsed(&json!([null, 1])).expect_err("none is good");

        assert!(error.starts_with("none of 2 instances can be used; instance 0"), "{error}");
    }

    #[test]
    fn what_is_no_list_is_an_error_that_quotes_nothing() {
        let list = json!([instance("a")]).to_string();
        for body in ["", "{}", "null", "\"s3cret\"", "[1,", &list[..list.len() - 1], "[] []", "[}"]
        {
            let error = parse(body.as_bytes(), "s", &Options::default()).expect_err(body);
            assert!(!error.contains("s3cret"), "{error}");
        }
        let cut = parse(b"[{\"Node\"", "s", &Options::default()).expect_err("cut");
        assert!(cut.starts_with("the answer ends too early"), "{cut}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(body in ".{0,200}") {
            let _ = parse(body.as_bytes(), "s", &Options::default());
        }

        #[test]
        fn no_endpoint_comes_from_where_an_answer_was_cut(cut in 0.0..1.0_f64) {
            let list = json!([instance("a"), instance("b")]).to_string();
            let cut = (list.len() as f64 * cut) as usize;

            prop_assert!(parse(&list.as_bytes()[..cut], "s", &Options::default()).is_err());
        }
    }
}
