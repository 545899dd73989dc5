// Encodes a cohort in shards, then writes one table:
//   nextflow run main.nf --cohort /data/cohort --shards 20 --out results
params.cohort = null
params.shards = 20
params.out = 'results'

process ENCODE {
    tag "${shard} of ${params.shards}"
    cpus 4
    memory '6 GB'
    // Interrupted or killed: again, which goes on where it was.  Anything else needs somebody to look.
    errorStrategy { task.exitStatus in [130, 137, 143] ? 'retry' : 'finish' }
    maxRetries 3

    input:
    path cohort
    val shard

    output:
    val shard

    script:
    // 3: finished, and some slides failed.
    """
    msfusion cohort encode ${cohort} --shard ${shard}/${params.shards} --workers 2 || test \$? -eq 3
    """
}

process EXPORT {
    memory '4 GB'
    publishDir params.out, mode: 'copy'

    input:
    path cohort
    val shards

    output:
    path 'features.parquet'
    path 'status.txt'

    script:
    """
    msfusion cohort status ${cohort} > status.txt
    msfusion cohort compact ${cohort}
    msfusion cohort export ${cohort} features.parquet
    """
}

workflow {
    if (!params.cohort) {
        error 'Name the folder of the cohort: --cohort DIR'
    }
    cohort = Channel.value(file(params.cohort, checkIfExists: true))
    ENCODE(cohort, Channel.of(1..params.shards))
    EXPORT(cohort, ENCODE.out.collect())
}
