//! Somebody at the console without a browser: by HTTP with a cookie, as a script of an attacker would.

use reqwest::{Client, RequestBuilder, Response, redirect::Policy};

pub const PASSWORD: &str = "correct horse battery";

/// Without a browser.
pub struct Visitor {
    pub client: Client,
    pub base: String,
    pub cookie: String,
}

impl Visitor {
    /// Nobody yet, of the service at this URL.
    pub fn at(base: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, base: base.to_owned(), cookie: String::new() }
    }

    /// Signed in by a new link, with a password. Where the settings ask for a second factor, this person owes it still.
    pub async fn by_link(base: &str, link: &str) -> Self {
        let mut visitor = Self::at(base);
        visitor.enter(link, &[]).await;
        visitor.choose_password(PASSWORD).await;
        visitor
    }

    pub async fn choose_password(&mut self, password: &str) {
        let csrf = self.csrf("/console/account/password").await;
        self.enter("/console/account/password", &[("csrf", &csrf), ("new", password), ("again", password)])
            .await;
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        if self.cookie.is_empty() {
            request
        } else {
            request.header("cookie", format!("lazaret_session={}", self.cookie))
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.with_cookie(self.client.get(format!("{}{path}", self.base))).send().await.unwrap()
    }

    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// A page that is asked for with this header besides.
    pub async fn with_header(&self, path: &str, name: &str, value: &str) -> String {
        let request = self.with_cookie(self.client.get(format!("{}{path}", self.base))).header(name, value);
        request.send().await.unwrap().text().await.unwrap()
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        self.with_cookie(self.client.post(format!("{}{path}", self.base)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
    }

    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.post(path, fields).send().await.unwrap()
    }

    /// Sends a form that gives a new cookie.
    pub async fn enter(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.send(path, fields).await;
        let to = location(&answer);
        let (status, cookie) = (answer.status(), answer.headers().get("set-cookie").cloned());
        let cookie = cookie.unwrap_or_else(|| panic!("{path}: {status} gives no cookie"));
        let cookie = cookie.to_str().unwrap().to_owned();
        cookie.split(';').next().unwrap().split_once('=').unwrap().1.clone_into(&mut self.cookie);
        to
    }

    /// The token of a page's forms.
    pub async fn csrf(&self, path: &str) -> String {
        field(&self.page(path).await, "csrf")
    }

    /// Takes the item, and gives token and fence of its form.
    pub async fn take(&self, id: &str) -> (String, String) {
        let item = format!("/console/items/{id}");
        let csrf = self.csrf(&item).await;
        let taken = self.send(&format!("{item}/take"), &[("csrf", &csrf)]).await;
        assert_eq!(taken.status(), 303);
        let page = self.page(&item).await;
        (csrf, field(&page, "fence"))
    }

    /// As one sends who does not hold the item.
    pub async fn rule_untaken(&self, id: &str, choice: &str) -> Response {
        let csrf = self.csrf("/console/queue").await;
        let fields = [("csrf", csrf.as_str()), ("fence", "1"), ("choice", choice), ("then", "stay")];
        self.send(&format!("/console/items/{id}/rule"), &fields).await
    }

    pub async fn rule(&self, id: &str, choice: &str, more: &[(&str, &str)]) -> Response {
        let (csrf, fence) = self.take(id).await;
        let mut fields =
            vec![("csrf", csrf.as_str()), ("fence", &fence), ("choice", choice), ("then", "stay")];
        fields.extend(more);
        self.send(&format!("/console/items/{id}/rule"), &fields).await
    }
}

pub fn location(answer: &Response) -> String {
    answer.headers().get("location").map_or_else(String::new, |to| to.to_str().unwrap().to_owned())
}

/// The value of the first such hidden field.
pub fn field(page: &str, name: &str) -> String {
    let from = format!("name=\"{name}\" value=\"");
    let at = page.find(&from).unwrap_or_else(|| panic!("no {name} in {page}")) + from.len();
    page[at..].split('"').next().unwrap().to_owned()
}
