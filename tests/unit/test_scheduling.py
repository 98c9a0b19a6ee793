"""Deployments say where runs start and where their catalog is kept: a worker's own folder is deleted after a run."""

from pathlib import Path

from flows.scheduling import check_deployments, located

DEPLOYMENTS = Path(__file__).parents[2] / "infra" / "prefect.yaml"


def test_deployed_runs_start_in_the_project_and_keep_their_catalog(tmp_path: Path) -> None:
    given = located(check_deployments(DEPLOYMENTS), Path("/project"), tmp_path)
    assert given["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/project"}}]
    assert len(given["deployments"]) == 2
    for deployment in given["deployments"]:
        assert deployment["work_pool"]["job_variables"]["env"]["CUEWORKS_HOME"] == str(tmp_path)


def test_a_deployment_that_names_its_own_home_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "prefect.yaml"
    pool = "work_pool: {name: cueworks}"
    file.write_text(
        DEPLOYMENTS.read_text().replace(
            pool, "work_pool: {name: cueworks, job_variables: {env: {CUEWORKS_HOME: /its/own}}}"
        )
    )
    given = located(check_deployments(file), Path("/project"), tmp_path)
    homes = {d["work_pool"]["job_variables"]["env"]["CUEWORKS_HOME"] for d in given["deployments"]}
    assert homes == {"/its/own"}
