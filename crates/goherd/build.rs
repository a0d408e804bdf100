//! Tells the linker what the executable offers to the libraries that it loads, and gives it gccgo's export data.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for symbol in ["goherd_*", "main.main", "__go_init_main"] {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbol}");
    }
    // The .go_export section makes an executable called `uwsgi` a place where `gccgo -I` finds the package uwsgi.
    println!("cargo::rerun-if-env-changed=DEP_GOHERD_GCCGO_GOX");
    if let Ok(gox) = std::env::var("DEP_GOHERD_GCCGO_GOX") {
        println!("cargo::rustc-link-arg-bins={gox}");
    }
}
