//! What of the queue somebody works on. It goes with them from page to page, so that the next item is of it too.

use super::fields::Fields;
use crate::{
    ports::{accounts::User, reviews::View},
    review::Desk,
};
use std::time::Duration;
use url::form_urlencoded::Serializer;

const NAMES: [&str; 6] = ["tenant", "reason", "type", "label", "users", "older"];
/// Ten years: what waits for longer is asked for by nobody.
const OLDEST: Duration = Duration::from_secs(3600 * 24 * 3650);

#[derive(Debug, Clone, Default)]
pub(super) struct Filter(Vec<(&'static str, String)>);

impl Filter {
    pub(super) fn of(fields: &Fields) -> Self {
        Self(NAMES.iter().filter_map(|&name| Some((name, fields.some(name)?.to_owned()))).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pairs(&self) -> &[(&'static str, String)] {
        &self.0
    }

    /// Empty where it does not ask for any.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// With the question mark; nothing where all is asked for.
    pub(super) fn query(&self) -> String {
        self.at("", "")
    }

    /// This page with it, saying so.
    pub(super) fn at(&self, path: &str, said: &str) -> String {
        let mut query = Serializer::new(String::new());
        if !said.is_empty() {
            query.append_pair("said", said);
        }
        let query = query.extend_pairs(&self.0).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// Page `after` of what it asks for.
    pub(super) fn page(&self, path: &str, after: &str) -> String {
        let query = self.at(path, "");
        format!("{query}{}after={after}", if query.contains('?') { '&' } else { '?' })
    }

    /// The view that it asks for; what is not understood asks for nothing.
    pub(super) fn view(&self, desk: &Desk, user: &User) -> View {
        let some = |name| Some(self.get(name)).filter(|value| !value.is_empty());
        let older = some("older").and_then(crate::http::duration::parse).filter(|age| *age < OLDEST);
        View {
            tenant: some("tenant").and_then(|name| name.parse().ok()),
            reason: some("reason").map(str::to_owned),
            media_type: some("type").map(str::to_owned),
            label: some("label").map(str::to_owned),
            voiced: some("users").and_then(|what| what.parse().ok()),
            before: older.map(|age| desk.clock.now() - age),
            ..desk.view(user)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_goes_with_an_address_and_comes_back_from_it() {
        let fields = Fields::parse(b"label=m.a_b&type=image%2F&csrf=x&reason=a%26b&older=&said=ruled&note=n");
        let filter = Filter::of(&fields);
        assert_eq!(filter.query(), "?reason=a%26b&type=image%2F&label=m.a_b");
        assert_eq!(
            filter.at("/console/queue", "left"),
            "/console/queue?said=left&reason=a%26b&type=image%2F&label=m.a_b"
        );
        let again = Filter::of(&Fields::parse(&filter.query().as_bytes()[1..]));
        assert_eq!((again.get("reason"), again.get("type"), again.get("older")), ("a&b", "image/", ""));
        assert_eq!(filter.page("/x", "1.2"), "/x?reason=a%26b&type=image%2F&label=m.a_b&after=1.2");
        let none = Filter::default();
        assert_eq!(none.page("/x", "1.2"), "/x?after=1.2");
        assert_eq!((none.query(), none.at("/x", "")), (String::new(), "/x".to_owned()));
    }
}
