//! Whom a task is put to.

use super::*;
use crate::config::{Config, LoadOptions};

fn models(yaml: &str) -> Models {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("config.yaml"), yaml).unwrap();
    let config = Config::load(LoadOptions {
        data_dir: folder.path().to_owned(),
        file: "config.yaml".into(),
        auth: Some(false),
        environment: std::iter::empty::<(String, String)>().collect(),
    });
    Models::new(&config.unwrap().models)
}

#[test]
fn the_order_is_that_of_the_task_and_what_is_asked_for_comes_first() {
    use ModelName::{Llama3, Openai, Sqlcoder};
    let models = models("models: {openai: {api_key: sk-of-a-test}}");
    let order = |task, named, forced| models.order(task, named, forced);
    assert_eq!(order(Task::Chat, None, None), [Openai, Llama3]);
    assert_eq!(order(Task::Sql, None, None), [Sqlcoder, Openai]);
    assert_eq!(order(Task::Chat, None, Some(Sqlcoder)), [Sqlcoder]);
    let ollama = self::models("models: {provider: ollama, openai: {api_key: sk-of-a-test}}");
    assert_eq!(ollama.order(Task::Chat, None, None), [Llama3, Openai], "others after its own");
}

#[test]
fn a_provider_that_was_named_is_asked_alone() {
    use ModelName::{Llama3, Openai, Sqlcoder};
    let models = models("models: {provider: openai, openai: {api_key: sk-of-a-test}}");
    let order = |task, named| models.order(task, Some(named), None);
    assert_eq!(order(Task::Chat, ProviderName::Ollama), [Llama3]);
    assert_eq!(order(Task::Sql, ProviderName::Ollama), [Sqlcoder]);
    assert_eq!(order(Task::Chat, ProviderName::Openai), [Openai]);
    assert_eq!(order(Task::Sql, ProviderName::Openai), [Openai]);
}

#[test]
fn vectors_of_two_servers_are_not_taken_for_each_other() {
    let named = |host: &str| {
        let embeddings = "embeddings: {provider: ollama, model: nomic-embed-text}";
        let models = models(&format!("models: {{ollama: {{host: '{host}'}}, {embeddings}}}"));
        models.embedder().unwrap()
    };
    let one = named("http://localhost:1");
    assert!(one.starts_with("nomic-embed-text@") && !one.contains("localhost"), "{one}");
    assert_ne!(one, named("http://localhost:2"));
    assert_eq!(one, named("http://localhost:1"));
}

#[test]
fn what_is_not_configured_is_not_asked_and_says_why() {
    let models = models("models: {chat_backup: openai, chat_primary: llama3}");
    assert_eq!(models.order(Task::Chat, None, None), [ModelName::Llama3]);
    let fault = models.usable(ModelName::Openai).unwrap_err();
    assert!(fault.to_string().contains("models.openai.api_key"), "{fault}");
    // A service of the same form may want no key.
    let own = self::models("models: {openai: {base_url: 'http://localhost:1/v1'}}");
    assert_eq!(own.usable(ModelName::Openai), Ok(()));
    let wrong = self::models("models: {openai: {api_key: \"sk\\n-of-a-test\"}}");
    let fault = wrong.usable(ModelName::Openai).unwrap_err();
    assert!(!fault.to_string().contains("of-a-test"), "{fault}");
}

#[test]
fn an_answer_that_is_of_no_use_is_no_failure_of_the_server() {
    let models = models(
        "models: {openai: {api_key: sk-of-a-test}, calls: {breaker_failures: 1, breaker_pause: 5s}}",
    );
    let model = &models.models[&ModelName::Openai];
    let before = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    let refused = Fault::Status { status: 400, code: None, retry_after: None };
    for fault in [Fault::CutOff, Fault::Declined, Fault::Empty, Fault::TooLarge, refused] {
        model.breaker.failed(before, None);
        assert_eq!(model.admits(), Ok(()), "the pause is over, so one may try");
        assert_eq!(model.admits(), Err(Fault::Resting));
        model.failed(&fault);
        assert_eq!((model.admits(), model.admits()), (Ok(()), Ok(())), "{fault}: it is well");
    }
    model.breaker.failed(before, None);
    assert_eq!(model.admits(), Ok(()));
    model.failed(&Fault::NoTime);
    assert_eq!(model.admits(), Ok(()), "nothing was learned, so the next may try");
    assert_eq!(model.admits(), Err(Fault::Resting));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_a_fault_and_counts() {
    let yaml = "models: {openai: {base_url: 'http://127.0.0.1:9/v1'}, calls: {retries: 1}}";
    let models = models(yaml);
    let chat = Chat {
        messages: vec![Message { speaker: Speaker::User, text: "hello".to_owned() }],
        form: Form::Text,
        most_tokens: 10,
        deadline: Instant::now() + Duration::from_secs(20),
        pieces: None,
    };
    assert_eq!(models.chat(ModelName::Openai, chat).await, Err(Fault::Unreachable));
    let (_, counted, resting) = models.counted().into_iter().find(|m| m.0 == "openai").unwrap();
    assert_eq!((counted.answered, counted.failed, resting), (0, 2, false));
}
