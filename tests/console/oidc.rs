//! Sign-in by a provider, which is a small real one: it signs what it says, and says what a test wants it to.

use crate::{
    people::{PASSWORD, Visitor, field, location, next_code},
    world::World,
};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as Rsa, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use lazaret::ports::{Clock, clock::SystemClock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use url::Url;

/// What a browser was sent to the provider with.
type Query = BTreeMap<String, String>;
/// What a test makes of an honest token's head and claims.
type Twist = Box<dyn Fn(&mut Value, &mut Value) + Send + Sync>;

struct Provider {
    issuer: String,
    rsa: Rsa,
    ec: EcdsaKeyPair,
    /// Codes, each good once, with what they were asked for with.
    codes: Mutex<BTreeMap<String, Query>>,
    person: Mutex<Value>,
    twist: Mutex<Option<Twist>>,
    alg: Mutex<&'static str>,
}

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            rsa: Rsa::generate(KeySize::Rsa2048).unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            codes: Mutex::default(),
            person: Mutex::new(json!({ "sub": "42", "email": "Ann@Example.org", "email_verified": true })),
            twist: Mutex::default(),
            alg: Mutex::new("RS256"),
        });
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async |State(p): State<Arc<Self>>| Json(p.places())),
            )
            .route("/keys", get(async |State(p): State<Arc<Self>>| Json(p.keys())))
            .route("/token", post(Self::token))
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn settings(&self, url: &str) -> String {
        format!(
            "[console]\ntotp = false\n[console.oidc]\nissuer = \"{}\"\nclient_id = \"us\"\nclient_secret = \"s&c ret\"\n\
             url = \"{url}\"\nname = \"the house\"\n",
            self.issuer
        )
    }

    fn places(&self) -> Value {
        let at = |path| format!("{}{path}", self.issuer);
        json!({ "issuer": self.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                "jwks_uri": at("/keys") })
    }

    fn keys(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // RFC 8017, A.1.1: of 2,048 bits, the modulus begins here.
        let (rsa, point) = (self.rsa.public_key().as_ref(), self.ec.public_key().as_ref());
        json!({ "keys": [
            { "kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": text(&rsa[9..265]), "e": "AQAB" },
            { "kty": "EC", "kid": "e", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) },
            { "kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AAAA" },
        ]})
    }

    /// Somebody signs in there; where they are sent back to.
    fn sign_in(&self, to: &str) -> String {
        let url = Url::parse(to).unwrap();
        assert!(to.starts_with(&format!("{}/authorize?", self.issuer)), "{to}");
        let query: Query = url.query_pairs().into_owned().collect();
        assert_eq!((query["response_type"].as_str(), query["client_id"].as_str()), ("code", "us"));
        assert_eq!(query["code_challenge_method"], "S256");
        let code = format!("code-{}", self.codes.lock().unwrap().len());
        let back =
            Url::parse_with_params(&query["redirect_uri"], [("code", &code), ("state", &query["state"])]);
        self.codes.lock().unwrap().insert(code, query);
        back.unwrap().into()
    }

    async fn token(
        State(provider): State<Arc<Self>>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Json<Value>, StatusCode> {
        let fields: Query = url::form_urlencoded::parse(&body).into_owned().collect();
        let secret = format!("Basic {}", STANDARD.encode("us:s%26c+ret"));
        let asked = provider.codes.lock().unwrap().remove(&fields["code"]).ok_or(StatusCode::BAD_REQUEST)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&fields["code_verifier"]));
        if headers["authorization"] != secret
            || challenge != asked["code_challenge"]
            || fields["redirect_uri"] != asked["redirect_uri"]
        {
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(Json(
            json!({ "access_token": "secret-access", "token_type": "Bearer", "id_token": provider.signed(&asked) }),
        ))
    }

    fn signed(&self, asked: &Query) -> String {
        let now = SystemClock.now().as_second();
        let alg = *self.alg.lock().unwrap();
        let mut head = json!({ "alg": alg, "kid": if alg == "RS256" { "r" } else { "e" } });
        let mut claims =
            json!({ "iss": self.issuer, "aud": "us", "iat": now, "exp": now + 300, "nonce": asked["nonce"] });
        claims.as_object_mut().unwrap().extend(self.person.lock().unwrap().as_object().unwrap().clone());
        if let Some(twist) = &*self.twist.lock().unwrap() {
            twist(&mut head, &mut claims);
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&head), part(&claims));
        let random = SystemRandom::new();
        let signature = match alg {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            _ => self.ec.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The path of a URL of the console's.
fn path(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

struct Tab {
    visitor: Visitor,
    /// What the browser keeps while somebody signs in.
    kept: String,
    back: String,
}

/// Somebody begins to sign in, and comes back from the provider.
async fn begun(world: &World, provider: &Provider) -> Tab {
    begun_at(world, provider, "/console/sign-in").await
}

/// As [`begun`], from this page.
async fn begun_at(world: &World, provider: &Provider, page: &str) -> Tab {
    let visitor = Visitor::new(world);
    let page = visitor.page(page).await;
    assert!(page.contains("the house"));
    let link = page.split("href=\"/console/oidc/").nth(1).unwrap().split('"').next().unwrap();
    let answer = visitor.get(&format!("/console/oidc/{link}")).await;
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let kept = cookie.split(';').next().unwrap().to_owned();
    let back = path(&provider.sign_in(&location(&answer)));
    Tab { visitor, kept, back }
}

impl Tab {
    /// Status, and where it leads.
    async fn end(&self) -> (u16, String, Option<String>) {
        let request = self
            .visitor
            .client
            .get(format!("{}{}", self.visitor.base, self.back))
            .header("cookie", &self.kept);
        let answer = request.send().await.unwrap();
        let session = answer.headers().get_all("set-cookie").iter().find_map(|cookie| {
            let cookie = cookie.to_str().unwrap().strip_prefix("lazaret_session=")?;
            Some(cookie.split(';').next().unwrap().to_owned())
        });
        let all: Vec<_> = answer.headers().values().map(|value| value.to_str().unwrap().to_owned()).collect();
        assert!(!all.join(" ").contains("secret-access"), "tokens stay on the server");
        (answer.status().as_u16(), location(&answer), session)
    }
}

/// A console whose own address is known before it listens.
async fn world(provider: &Provider) -> World {
    // Nobody is sent there but by the test itself.
    World::start(&provider.settings("https://moderate.example.org")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_word_signs_in_who_has_an_account_and_nobody_else() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let stranger = begun(&world, &provider).await;
    assert_eq!(stranger.end().await.0, 401, "there is no such account");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    for alg in ["RS256", "ES256"] {
        *provider.alg.lock().unwrap() = alg;
        let tab = begun(&world, &provider).await;
        let (status, to, session) = tab.end().await;
        assert_eq!((status, to.as_str()), (303, "/console/queue"), "{alg}");
        let signed = Visitor { cookie: session.unwrap(), ..Visitor::new(&world) };
        assert!(signed.page("/console/queue").await.contains("ann@example.org"));
        // The same answer once more, with all that the browser had: it is used up, there and here.
        assert_eq!(tab.end().await.0, 401);
    }
    // The address moved on to somebody else at the provider's: the account does not.
    provider.person.lock().unwrap()["sub"] = json!("43");
    assert_eq!(begun(&world, &provider).await.end().await.0, 401);
    // And a new address at the provider's changes nothing for who is known.
    *provider.person.lock().unwrap() =
        json!({ "sub": "42", "email": "new@example.org", "email_verified": false });
    assert_eq!(begun(&world, &provider).await.end().await.0, 303);
    let disabled = world.site.run(&["user", "disable", "ann@example.org"]).await;
    assert_eq!(disabled.code(), 0);
    assert_eq!(begun(&world, &provider).await.end().await.0, 401);
    drop(ann);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let past = SystemClock.now().as_second() - 3_600;
    let twists: [(&str, Twist); 11] = [
        ("wrong nonce", Box::new(|_, c| c["nonce"] = json!("another"))),
        ("no nonce", Box::new(|_, c| drop(c.as_object_mut().unwrap().remove("nonce")))),
        ("wrong audience", Box::new(|_, c| c["aud"] = json!("them"))),
        (
            "one of several, for another",
            Box::new(|_, c| (c["aud"], c["azp"]) = (json!(["us", "them"]), json!("them"))),
        ),
        ("expired", Box::new(move |_, c| c["exp"] = json!(past))),
        ("from the future", Box::new(|_, c| c["iat"] = json!(4_000_000_000_i64))),
        ("another issuer", Box::new(|_, c| c["iss"] = json!("https://evil.example"))),
        ("an address that nobody vouches for", Box::new(|_, c| c["email_verified"] = json!(false))),
        ("no address", Box::new(|_, c| drop(c.as_object_mut().unwrap().remove("email")))),
        ("said to be unsigned", Box::new(|h, _| h["alg"] = json!("none"))),
        (
            "signed by another key than it says",
            Box::new(|h, _| (h["alg"], h["kid"]) = (json!("ES256"), json!("e"))),
        ),
    ];
    for (what, twist) in twists {
        *provider.twist.lock().unwrap() = Some(twist);
        let (status, _, session) = begun(&world, &provider).await.end().await;
        assert_eq!((status, session), (401, None), "{what}");
    }
    *provider.twist.lock().unwrap() = None;
    assert_eq!(begun(&world, &provider).await.end().await.0, 303, "and an honest one is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_in_the_browser_that_asked_and_only_once() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (one, two) = (begun(&world, &provider).await, begun(&world, &provider).await);
    // Somebody else's answer in my browser: their state is not mine.
    let crossed = Tab { visitor: Visitor::new(&world), kept: one.kept.clone(), back: two.back.clone() };
    assert_eq!(crossed.end().await.0, 401);
    let bare = Tab { visitor: Visitor::new(&world), kept: String::new(), back: one.back.clone() };
    assert_eq!(bare.end().await.0, 401);
    assert_eq!(one.end().await.0, 303);
    // The provider may give the code out again; the state was used.
    let query: Query =
        Url::parse(&format!("http://x{}", one.back)).unwrap().query_pairs().into_owned().collect();
    let two_asked = provider.codes.lock().unwrap().values().next().cloned().unwrap();
    let again = provider.codes.lock().unwrap().insert(query["code"].clone(), two_asked);
    assert!(again.is_none());
    assert_eq!(one.end().await.0, 401);
    // Who is refused at the provider's gets no error of ours.
    let denied =
        Tab { back: "/console/oidc/back?error=access_denied".into(), ..begun(&world, &provider).await };
    assert_eq!(denied.end().await.0, 401);
    // The second factor is still asked for where there is one, and the password still works.
    let mut ann = Visitor { cookie: String::new(), ..ann };
    ann.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(ann.get("/console/queue").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_made_anew_at_the_providers_signs_in_after_a_reset() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let root = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let as_subject = async |subject: &str| {
        provider.person.lock().unwrap()["sub"] = json!(subject);
        begun(&world, &provider).await.end().await.0
    };
    assert_eq!(as_subject("42").await, 303);
    assert_eq!(as_subject("43").await, 401, "somebody else by that address");
    let reset = world.site.run(&["user", "link", "ann@example.org", "--reset"]).await;
    assert_eq!(reset.code(), 0, "{reset:?}");
    assert_eq!(as_subject("43").await, 303);
    assert_eq!(as_subject("42").await, 401, "who she was before is nobody");
    // By the page of people, too.
    let page = root.page("/console/users").await;
    let id = page.split("action=\"/console/users/").nth(1).unwrap().split('"').next().unwrap();
    let csrf = field(&page, "csrf");
    let fields = [("csrf", csrf.as_str()), ("do", "reset")];
    assert_eq!(root.send(&format!("/console/users/{id}"), &fields).await.status(), 200);
    assert_eq!(as_subject("44").await, 303);
    let log = root.page("/console/audit/export?format=jsonl&action=user.reset").await;
    assert_eq!(log.matches("\"unbound\":1").count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_by_the_provider_goes_on_where_they_were_going() {
    let provider = Provider::start().await;
    let world = world(&provider).await;
    let mut ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let own = "/console/items/1?choice=quarantine:spam&note=a%20b";
    let asked = location(&Visitor::new(&world).get(own).await);
    assert_eq!(begun_at(&world, &provider, &asked).await.end().await.1, own);
    for elsewhere in ["https://evil.example", "//evil.example", "/console//evil.example", "/v1/uploads"] {
        let query = [("next", elsewhere)];
        let page = Url::parse_with_params("http://x/console/sign-in", query).unwrap();
        let tab = begun_at(&world, &provider, &path(page.as_str())).await;
        assert_eq!(tab.end().await.1, "/console/queue", "{elsewhere}");
        // Nor where what the browser keeps is written by somebody.
        let tab = begun(&world, &provider).await;
        let secret = tab.kept.split('.').next().unwrap();
        let kept = format!("{secret}.{}", URL_SAFE_NO_PAD.encode(elsewhere));
        assert_eq!(Tab { kept, ..tab }.end().await.1, "/console/queue", "{elsewhere}");
    }
    // By way of the second factor, too. So many newer sessions ended the one she had.
    ann.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    let page = ann.page("/console/account/totp").await;
    let (csrf, secret) = (field(&page, "csrf"), field(&page, "secret"));
    let code = lazaret::access::totp::code_now(&secret, SystemClock.now()).unwrap();
    let fields = [("csrf", csrf.as_str()), ("secret", &secret), ("code", &code)];
    assert_eq!(ann.send("/console/account/totp", &fields).await.status(), 200);
    let (_, to, session) = begun_at(&world, &provider, &asked).await.end().await;
    assert!(to.starts_with("/console/code?next="), "{to}");
    let mut half = Visitor { cookie: session.unwrap(), ..Visitor::new(&world) };
    let page = half.page(&to).await;
    let (csrf, next) = (field(&page, "csrf"), field(&page, "next").replace("&#38;", "&"));
    let code = next_code(&secret);
    let fields = [("csrf", csrf.as_str()), ("next", &next), ("code", &code)];
    assert_eq!(half.enter("/console/code", &fields).await, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_there_is_no_such_door() {
    let world = World::start("[console]\ntotp = false\n").await;
    let nobody = Visitor::new(&world);
    assert!(!nobody.page("/console/sign-in").await.contains("/console/oidc"));
    for path in ["/console/oidc/begin", "/console/oidc/back?code=x&state=y"] {
        assert_eq!(nobody.get(path).await.status(), 404);
    }
}
