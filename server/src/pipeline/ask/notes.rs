//! The schema notes that match a question, within a budget of tokens.
//!
//! In: the catalog the asker may see, and words. Out: Markdown of whole notes, the best first.
//! Ranked by words (Okapi BM25 over notes, names and synonyms); where a provider of embeddings is
//! configured, by their likeness too, both ranks fused (reciprocal rank fusion, k = 60). Values
//! of the data are left out: a prompt of a draft holds none.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use air_connectors::Note;
use air_engine::ask::stems;
use air_ir::Catalog;

use crate::config::Provider;
use crate::models::estimate;
use crate::service::App;

/// Parameters of Okapi BM25 as they are used most (Robertson and Zaragoza, 2009, section 3).
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009.
const RRF_K: f64 = 60.0;
/// Notes are embedded so many at a time.
const BATCH: usize = 64;

/// What notes are wanted for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) words: &'w str,
    /// The provider that alone may be shown words and notes, where one was named.
    pub(super) named: Option<Provider>,
}

/// The notes for a question.
pub(super) async fn chosen(
    app: &App,
    catalog: &Catalog,
    wanted: Wanted<'_>,
    deadline: Instant,
) -> String {
    let notes = air_connectors::notes(&without_values(catalog));
    let by_words = bm25(&notes, wanted.words);
    let embeds = app.config.models.embeddings.provider;
    let likeness = match wanted.named.is_none_or(|named| named == embeds) {
        true => by_likeness(app, &notes, wanted.words, deadline).await,
        false => None,
    };
    let order = match likeness {
        Some(likeness) => fused(&[by_words, likeness]),
        None => ranked(&by_words),
    };
    let budget = u64::from(app.models.calls().notes_tokens);
    within(&notes, &with_neighbours(catalog, &order), budget)
}

/// The catalog without what columns hold.
fn without_values(catalog: &Catalog) -> Catalog {
    let mut bare = catalog.clone();
    for column in bare.tables.iter_mut().flat_map(|table| &mut table.columns) {
        column.values = None;
    }
    bare
}

/// A score for each note.
fn bm25(notes: &[Note], words: &str) -> Vec<f64> {
    let texts: Vec<Vec<String>> = notes.iter().map(|note| stems(&note.md)).collect();
    let total: usize = texts.iter().map(Vec::len).sum();
    let average = total as f64 / texts.len().max(1) as f64;
    let wanted: HashSet<String> = stems(words).into_iter().collect();
    let holders = |word: &String| texts.iter().filter(|text| text.contains(word)).count() as f64;
    let n = texts.len() as f64;
    let idf: BTreeMap<&String, f64> = wanted
        .iter()
        .map(|word| (word, (1.0 + (n - holders(word) + 0.5) / (holders(word) + 0.5)).ln()))
        .collect();
    let score = |text: &Vec<String>| {
        let mut counts: HashMap<&String, f64> = HashMap::new();
        for word in text.iter().filter(|word| wanted.contains(*word)) {
            *counts.entry(word).or_default() += 1.0;
        }
        let length = 1.0 - B + B * text.len() as f64 / average.max(1.0);
        let mut all: Vec<f64> = counts
            .iter()
            .map(|(word, count)| idf[word] * count * (K1 + 1.0) / (count + K1 * length))
            .collect();
        // Added in one order, so that equal notes have equal scores.
        all.sort_by(f64::total_cmp);
        all.iter().sum()
    };
    texts.iter().map(score).collect()
}

/// Places of the notes from the best; of equals the first stays first.
fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

/// Ranks by several scores as one; a note that scores nothing has no rank there.
fn fused(scores: &[Vec<f64>]) -> Vec<usize> {
    let mut fused = vec![0.0; scores.first().map_or(0, Vec::len)];
    for scores in scores {
        let found = ranked(scores).into_iter().filter(|note| scores[*note] > 0.0);
        for (place, note) in found.enumerate() {
            fused[note] += 1.0 / (RRF_K + place as f64 + 1.0);
        }
    }
    ranked(&fused)
}

/// The tables that the best ones refer to come right after them: a question names what it
/// measures, and seldom what it is joined by.
fn with_neighbours(catalog: &Catalog, order: &[usize]) -> Vec<usize> {
    let mut all = Vec::new();
    let mut add = |at: usize| {
        if !all.contains(&at) {
            all.push(at);
        }
    };
    for (place, at) in order.iter().enumerate() {
        add(*at);
        if place > 2 {
            continue;
        }
        let keys = catalog.tables.get(*at).map(|table| table.foreign_keys.as_slice());
        for key in keys.unwrap_or_default() {
            let found = catalog.tables.iter().position(|table| table.name == key.references.table);
            found.into_iter().for_each(&mut add);
        }
    }
    all
}

/// Whole notes as long as there is room. The best one is there in any case, cut if it must be.
fn within(notes: &[Note], order: &[usize], budget: u64) -> String {
    let mut text = String::new();
    let mut left = budget;
    for note in order.iter().filter_map(|at| notes.get(*at)) {
        let cost = estimate(&note.md);
        if cost <= left {
            left -= cost;
            text.push_str(&note.md);
            text.push('\n');
        } else if text.is_empty() {
            let bytes = usize::try_from(budget * 4).unwrap_or(usize::MAX);
            let end = note.md.floor_char_boundary(bytes.min(note.md.len()));
            text.push_str(&note.md[..end]);
            return text;
        }
    }
    text
}

/// How like each note is to the words, by the vectors of both.
async fn by_likeness(
    app: &App,
    notes: &[Note],
    words: &str,
    deadline: Instant,
) -> Option<Vec<f64>> {
    let model = app.models.embedder()?;
    let asked = app.models.embed(&[words.to_owned()], deadline).await?.vectors.pop()?;
    let hashes: Vec<String> = notes.iter().map(|note| note.md_hash.clone()).collect();
    let mut known = app.store.model_drafts().vectors(&model, &hashes).await.ok()?;
    // Another model may stand behind the same name by now.
    known.retain(|_, vector| vector.len() == asked.len());
    let new: Vec<&Note> = notes.iter().filter(|n| !known.contains_key(&n.md_hash)).collect();
    for some in new.chunks(BATCH) {
        let texts: Vec<String> = some.iter().map(|note| note.md.clone()).collect();
        let found = app.models.embed(&texts, deadline).await?;
        let made: Vec<(String, Vec<f32>)> =
            some.iter().map(|note| note.md_hash.clone()).zip(found.vectors).collect();
        // Not kept is embedded again; the order of notes is the same.
        let _ = app.store.model_drafts().put_vectors(&model, &made).await;
        known.extend(made);
    }
    let alike = |hash: &String| known.get(hash).and_then(|vector| cosine(&asked, vector));
    hashes.iter().map(alike).collect()
}

/// None where two vectors are not of one kind.
fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let length = (dot(a, a) * dot(b, b)).sqrt();
    Some(if length > 0.0 { dot(a, b) / length } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(object: &str, md: &str) -> Note {
        let (object, md) = (object.to_owned(), md.to_owned());
        Note { md_hash: object.clone(), object, chunk: 0, md }
    }

    #[test]
    fn rare_words_of_the_question_choose_the_note() {
        let notes = [
            note("flights", "## flights\n| dep_delay | departure delay | carrier | origin |"),
            note("weather", "## weather\n| precip | precipitation; also rain | origin |"),
            note("planes", "## planes\n| seats | number of seats | carrier |"),
        ];
        let best = |words| ranked(&bm25(&notes, words))[0];
        assert_eq!(best("how much rain fell at each origin"), 1);
        assert_eq!(best("average departure delays by carrier"), 0);
        assert_eq!(best("seats by carrier"), 2);
        assert_eq!(ranked(&bm25(&notes, "nothing here")), [0, 1, 2]);
    }

    #[test]
    fn the_budget_holds_and_the_best_note_is_always_there() {
        let notes = [note("a", &"a".repeat(400)), note("b", "bb"), note("c", "cc")];
        assert_eq!(within(&notes, &[1, 0, 2], 10), "bb\ncc\n");
        let cut = within(&notes, &[0, 1], 10);
        assert_eq!(cut.len(), 40);
    }

    #[test]
    fn ranks_are_fused() {
        assert_eq!(fused(&[vec![0.9, 0.5, 0.1], vec![0.2, 0.8, 0.7]]), [1, 0, 2]);
        assert_eq!(fused(&[vec![0.0, 0.0, 0.0], vec![0.1, 0.2, 0.3]]), [2, 1, 0]);
        assert_eq!(cosine(&[1.0, 0.0], &[2.0, 0.0]), Some(1.0));
        assert_eq!(cosine(&[1.0], &[1.0, 2.0]), None);
    }
}
