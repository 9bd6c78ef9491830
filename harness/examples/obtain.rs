use damonlab::host::{interrupt, progress::Progress};
use damonlab::kernel::{self, Origins, Request, Source};
fn main() {
    interrupt::listen().unwrap();
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let env = damonlab::setup::Env::machine().unwrap();
    let verb = if args.is_empty() { "default".into() } else { args.remove(0) };
    let p = Progress::stderr();
    let begun = std::time::Instant::now();
    match verb.as_str() {
        "doctor" => {
            print!(
                "{}{}\n",
                damonlab::setup::render(&damonlab::setup::doctor(&env)),
                damonlab::setup::kvm_note(&env)
            );
        }
        "setup" => match damonlab::setup::install(&env, &p) {
            Ok(()) => println!("ok {:?}", damonlab::setup::tools(&env)),
            Err(e) => println!("ERROR {e}"),
        },
        "list" => {
            for i in kernel::list(&env.cache) {
                println!("{i:?}")
            }
        }
        "rm" => println!("{:?}", kernel::remove(&env.cache, &args[0], &p)),
        path => {
            let source = if path == "default" {
                Source::Default
            } else {
                match Source::of_path(path.as_ref()) {
                    Ok(s) => s,
                    Err(e) => {
                        println!("{e}");
                        return;
                    }
                }
            };
            let mut request = Request::of(source);
            for a in &args {
                if a.ends_with(".config") {
                    request.fragments.push(a.into())
                } else {
                    request.patches.push(a.into())
                }
            }
            match kernel::obtain(&request, &Origins::of(env), &p) {
                Ok(i) => println!("{i:#?}"),
                Err(e) => {
                    println!("ERROR ({:?}): {e}", e.kind());
                    std::process::exit(9)
                }
            }
        }
    }
    eprintln!("took {:.2} s", begun.elapsed().as_secs_f64());
}
