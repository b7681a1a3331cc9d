// Zadig builds in Git: a plan on every pull request, that plan applied on merge, a look for drift every night.
// Written by `reconciler init`; it is yours to change.
//
// Before the first pull request:
//   1. Make a multibranch pipeline of this file. Pull requests: "the current pull request revision", and of forks only
//      those of people you trust.
//   2. Add the credentials that `environment` below names, as secret texts.
//   3. Give one agent with Python 3.11 or later the label `reconciler`, and the folder of STATE to its user.
//   4. Build @branch@ once with ADOPT: it records what is there in the ledger that all later runs share.
//
// The plan is looked up by the pull request's last commit: merge with a merge commit or fast-forward, without squashing.
pipeline {
  agent { label 'reconciler' }
  options {
    disableConcurrentBuilds() // two applies never overlap
    timeout(time: 1, unit: 'HOURS')
  }
  triggers { cron(env.BRANCH_NAME == '@branch@' ? 'H 3 * * *' : '') }
  parameters { booleanParam(name: 'ADOPT', defaultValue: false, description: 'Record what is there in the ledger') }
  environment {
    // The ledger remembers what was written and what is ours; it stays here, with the plans. A lost ledger deletes
    // nothing; settings that Zadig hides may then be told as unverifiable, builds that were removed from Git are not
    // known as ours any more, and open pull requests need a new plan. Build with ADOPT to record it all again.
    STATE = '/var/lib/reconciler/@state@'
    RECONCILER_LEDGER = '/var/lib/reconciler/@state@/ledger.db'
    ZADIG_TOKEN = credentials('ZADIG_TOKEN')
@variables@
  }
  stages {
    stage('Install and validate') {
      steps {
        // a saved plan is applied by the version that made it
        sh 'mkdir -p "$STATE/plans" && python3 -m venv .venv && .venv/bin/pip install --quiet zadig-reconciler==@version@'
        dir('@directory@') { sh '. "$WORKSPACE/.venv/bin/activate" && reconciler validate' }
      }
    }
    stage('Plan') {
      when { changeRequest() }
      steps {
        dir('@directory@') {
          sh '''
            . "$WORKSPACE/.venv/bin/activate"
            rm -f plan.json
            reconciler plan --out plan.json
            cp plan.json "$STATE/plans/$(git rev-parse HEAD).json"
          '''
          archiveArtifacts 'plan.json'
        }
      }
    }
    stage('Apply the plan that was reviewed') { // what changed since waits, is shown, and ends this stage with 4
      when { branch '@branch@'; not { triggeredBy 'TimerTrigger' }; expression { !params.ADOPT } }
      steps {
        dir('@directory@') {
          sh '''
            . "$WORKSPACE/.venv/bin/activate"
            sha=$(git rev-parse --quiet --verify HEAD^2 || git rev-parse HEAD)
            if [ -f "$STATE/plans/$sha.json" ]; then
              reconciler apply --plan "$STATE/plans/$sha.json" --yes
            else
              echo "No reviewed plan was found for $sha, so nothing is applied. What there would be to do:"
              rm -f plan.json
              reconciler plan --detailed-exitcode --out plan.json || {
                echo "Not applied, because no plan of it was reviewed; the next pull request's plan shows it again."
                exit 1
              }
            fi
          '''
        }
      }
    }
    stage('Look for drift') {
      when { branch '@branch@'; triggeredBy 'TimerTrigger' }
      steps { dir('@directory@') { sh '. "$WORKSPACE/.venv/bin/activate" && reconciler drift' } }
    }
    stage('Record what is there') {
      when { branch '@branch@'; expression { params.ADOPT } }
      steps { dir('@directory@') { sh '. "$WORKSPACE/.venv/bin/activate" && reconciler adopt --yes' } }
    }
  }
}
