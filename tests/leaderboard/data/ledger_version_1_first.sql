CREATE TABLE medalist_ledger (version INTEGER NOT NULL);
INSERT INTO "medalist_ledger" VALUES(1);
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        competition TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT,
        status TEXT NOT NULL,
        config TEXT NOT NULL,
        task TEXT NOT NULL,
        summary TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        seed BIGINT NOT NULL,
        folder TEXT NOT NULL,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL);
INSERT INTO "runs" VALUES('20260101-000000-aaaa','late-parcels','2026-11-30T15:28:43.886299+00:00','2026-11-30T15:28:43.893994+00:00','finished','{"budget": 60.0, "max_experiments": null}','{"metric": "auc", "folds": {"scheme": "stratified"}}','{"score": 0.68}','0123456789abcdef',0,'@RUNS@/late-parcels/x','host',1);
CREATE TABLE experiments (
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        pipeline_hash TEXT NOT NULL,
        family TEXT NOT NULL,
        reason TEXT NOT NULL,
        parent BIGINT,
        verdict TEXT NOT NULL,
        verdict_reason TEXT NOT NULL,
        score DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        fold_scores TEXT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        fit_seconds DOUBLE PRECISION NOT NULL,
        error TEXT,
        artifact TEXT,
        PRIMARY KEY (run_id, number));
INSERT INTO "experiments" VALUES('20260101-000000-aaaa',0,'2026-11-30T15:28:43.889476+00:00','{"features": ["code(depot)", "number(weight_kg)"], "family": "lightgbm", "params": {}, "seed": 0}','hash0','lightgbm','why',NULL,'keep','because',0.68,0.01,'[0.68, 0.69]',1.5,1.0,NULL,'0.npz');
INSERT INTO "experiments" VALUES('20260101-000000-aaaa',1,'2026-11-30T15:28:43.889879+00:00','{"features": ["code(depot)", "number(weight_kg)"], "family": "linear", "params": {}, "seed": 0}','hash1','linear','why',NULL,'keep','because',0.68,0.01,'[0.68, 0.69]',1.5,1.0,NULL,'1.npz');
INSERT INTO "experiments" VALUES('20260101-000000-aaaa',2,'2026-11-30T15:28:43.890171+00:00','{"features": ["code(depot)", "number(weight_kg)"], "family": "linear", "params": {}, "seed": 0}','hash2','linear','why',NULL,'timeout','because',NULL,NULL,'[0.68, 0.69]',1.5,1.0,NULL,NULL);
CREATE TABLE standings (
        id TEXT PRIMARY KEY,
        run_id TEXT REFERENCES runs (id),
        competition TEXT NOT NULL,
        recorded TEXT NOT NULL,
        basis TEXT NOT NULL,
        metric TEXT NOT NULL,
        greater_is_better INTEGER NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        standard_error DOUBLE PRECISION,
        board TEXT,
        teams BIGINT,
        who TEXT,
        percentile DOUBLE PRECISION,
        medal TEXT,
        next_medal TEXT,
        to_next DOUBLE PRECISION,
        probabilities TEXT NOT NULL,
        submission TEXT);
INSERT INTO "standings" VALUES('697f647f6021ed0e','20260101-000000-aaaa','late-parcels','2026-11-30T15:28:43.893623+00:00','cross-validation','auc',1,0.68,0.01,'late-parcels',101,'human teams',6.83168316831683108958e-01,'bronze','silver',0.13,'{"gold": 2.330637006220927e-117, "silver": 6.117164399549921e-39, "bronze": 0.9999999999987201}',NULL);
CREATE TABLE submissions (
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        recorded TEXT NOT NULL,
        made_from TEXT NOT NULL,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        score DOUBLE PRECISION,
        standard_error DOUBLE PRECISION,
        reason TEXT NOT NULL,
        PRIMARY KEY (run_id, number));
INSERT INTO "submissions" VALUES('20260101-000000-aaaa',1,'2026-11-30T15:28:43.890461+00:00','{"experiment": 0}','@RUNS@/late-parcels/x/submission.csv','abababababababababababababababababababababababababababababababab',0.68,0.01,'the first model');
CREATE INDEX runs_competition ON runs (competition);
CREATE INDEX standings_competition ON standings (competition);
