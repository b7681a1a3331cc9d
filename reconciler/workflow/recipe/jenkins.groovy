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
// Where another request has changed the same build since, that step is told as stale and ends the stage with 4: update the
// branch before merging.
pipeline {
  agent { label 'reconciler' }
  options {
    disableConcurrentBuilds() // of one branch: two applies never overlap
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
    // For the plan as a comment: say where, and add the credential below.
    FORGE = 'github' // or 'gitlab'
    FORGE_REPOSITORY = '' // OWNER/NAME; in GitLab the project's path
  }
  stages {
    stage('Install') {
      steps {
        // a saved plan is applied by the version that made it
        sh 'mkdir -p "$STATE/plans" && python3 -m venv .venv && .venv/bin/pip install --quiet zadig-reconciler==@version@'
      }
    }
    stage('Validate') { // needs no secret: a pull request of a fork gets this, and nothing else
      steps {
        dir('@directory@') {
          sh '''
            . "$WORKSPACE/.venv/bin/activate"
            mkdir -p .reconciler
            reconciler validate --report junit=.reconciler/validate.xml
          '''
        }
      }
      post { always { junit allowEmptyResults: true, testResults: '**/.reconciler/validate.xml' } }
    }
    stage('Show what changes in Git') {
      when { changeRequest() }
      steps {
        dir('@directory@') {
          sh '''
            . "$WORKSPACE/.venv/bin/activate"
            base=$(git merge-base "origin/$CHANGE_TARGET" HEAD) || {
              echo "No diff: origin/$CHANGE_TARGET is not here. Add the behaviour 'Specify ref specs' to fetch it."
              exit 0
            }
            reconciler diff "$base" HEAD || code=$?
            case "${code:-0}" in
              0 | 2) ;;
              65) echo "No diff: there are problems in the branch that this would be merged into." ;;
              *) exit "$code" ;;
            esac
          '''
        }
      }
    }
    stage('With the server') {
      when { expression { !env.CHANGE_FORK } } // secrets are for branches of this repository alone
      environment {
        ZADIG_TOKEN = credentials('ZADIG_TOKEN')
        // RECONCILER_FORGE_TOKEN = credentials('RECONCILER_FORGE_TOKEN') // may comment on pull requests
@variables@
      }
      stages {
        stage('Plan') {
          when { changeRequest() }
          steps {
            dir('@directory@') {
              sh '''
                . "$WORKSPACE/.venv/bin/activate"
                rm -f plan.json
                reconciler plan --out plan.json --report markdown=.reconciler/plan.md --report junit=.reconciler/plan.xml
                cp plan.json "$STATE/plans/$(git rev-parse HEAD).json"
                if [ -n "${RECONCILER_FORGE_TOKEN:+set}" ] && [ -n "$FORGE_REPOSITORY" ]; then
                  reconciler comment .reconciler/plan.md \
                    --forge "$FORGE" --repository "$FORGE_REPOSITORY" --request "$CHANGE_ID"
                fi
              '''
              archiveArtifacts 'plan.json'
            }
          }
          post { always { junit allowEmptyResults: true, testResults: '**/.reconciler/plan.xml' } }
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
                  reconciler plan --detailed-exitcode || {
                    echo "Not applied, because no plan of it was reviewed; the next pull request's plan shows it again."
                    exit 1
                  }
                fi
              '''
            }
          }
        }
        stage('Look for drift') { // fails with 3 where somebody changed the server, with 2 where something waits
          when { branch '@branch@'; triggeredBy 'TimerTrigger' }
          steps { dir('@directory@') { sh '. "$WORKSPACE/.venv/bin/activate" && reconciler drift' } }
        }
        stage('Record what is there') {
          when { branch '@branch@'; expression { params.ADOPT } }
          steps { dir('@directory@') { sh '. "$WORKSPACE/.venv/bin/activate" && reconciler adopt --yes' } }
        }
      }
    }
  }
}
