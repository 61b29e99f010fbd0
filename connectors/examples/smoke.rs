use air_engine::*;
use air_ir::{Bindings, Ir};
use serde_json::Value;
use std::sync::Arc;
#[tokio::main]
async fn main() {
    let root = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let runtime = Runtime::new(&RunLimits {
        memory_bytes: 1 << 30,
        spill_dir: "/tmp/spill".into(),
        spill_bytes: 1 << 30,
        partitions: 2,
    })
    .unwrap();
    let mut sources = std::collections::HashMap::new();
    for (id, path) in [("flights", "data/sample"), ("shop", "tests/data/shop")] {
        let source = air_connectors::FilesSource::open(id, &root, &root.join(path)).unwrap();
        source.register(runtime.env());
        let t = std::time::Instant::now();
        let catalog = source
            .learn(&runtime.session(), &Default::default(), |_: &str, _: u8| {})
            .await
            .unwrap();
        eprintln!("learned {id} in {:?}", t.elapsed());
        std::fs::write(
            format!("/tmp/catalog-{id}.json"),
            serde_json::to_string_pretty(&catalog).unwrap(),
        )
        .unwrap();
        sources.insert(id, (source, Arc::new(catalog.clone()), Prepared::new(Arc::new(catalog))));
    }
    let mut files: Vec<_> =
        std::fs::read_dir(root.join("tests/answers")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files {
        let cases: Value =
            serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let source = case["datasource"].as_str().unwrap_or("flights");
            let (source, catalog, prepared) = &sources[source];
            let run = async {
                let ir = Ir::parse(&case["ir"]).map_err(|e| format!("{e:?}"))?;
                let mut b = Bindings::default();
                if let Some(p) = case["params"].as_object() {
                    for (k, v) in p {
                        b.values.insert(k.clone(), v.clone());
                    }
                }
                let ir = ir.bind(&b).map_err(|e| format!("{e:?}"))?;
                let now = case["now"].as_str().unwrap_or("2024-01-01T00:00:00Z").parse().unwrap();
                let p = plan(
                    &ir,
                    prepared,
                    &PlanOptions { now, default_limit: 5000, max_limit: 100000 },
                )
                .map_err(|e| format!("{e}"))?;
                let g = guard(p, &Policy::default()).map_err(|e| e.to_string())?;
                let tables =
                    source.tables(catalog, &g.tables()).await.map_err(|e| e.to_string())?;
                let a = air_engine::run(&g, &tables, &runtime).await.map_err(|e| {
                    format!("{e}: {:?}", std::error::Error::source(&e).map(|s| s.to_string()))
                })?;
                Ok::<_, String>(a.rows.num_rows())
            };
            match run.await {
                Ok(n) => println!("ok {name} {n}"),
                Err(e) => println!(
                    "{} {name}: {}",
                    if case.get("refused").is_some() { "refused" } else { "FAIL" },
                    e.chars().take(400).collect::<String>()
                ),
            }
        }
    }
}
