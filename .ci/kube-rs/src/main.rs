//! Prints the version of the server in the kubeconfig.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = kube::Client::try_default().await?;
        println!("{}", client.apiserver_version().await?.git_version);
        Ok(())
    })
}
